"""Orders that this session placed or found open, and the routing of messages to them."""

from collections.abc import Iterator
from typing import Final

from ibkr_connector.executions import ExecutionBook
from ibkr_connector.messages import ErrorTold, ExecutionTold, OrderKey, OrderListed, StatusTold
from ibkr_connector.order_record import OrderRecord

_MOST_ENDED: Final = 100


class OrderBook:
    """Records by key: of all orders that may still fill, or whose end was not told yet, and of the latest others.

    What comes later about one that was forgotten, as a corrected execution, is not about an order any more: executions
    have their own book.
    """

    def __init__(self, client_id: int, executions: ExecutionBook) -> None:
        self._client_id = client_id
        self._executions = executions
        self._records: dict[OrderKey, OrderRecord] = {}
        self._look_beyond = 2 * _MOST_ENDED

    def __iter__(self) -> Iterator[OrderRecord]:
        return iter(tuple(self._records.values()))

    def get(self, key: OrderKey) -> OrderRecord | None:
        """The record of this key, if there is one."""
        return self._records.get(key)

    def find(self, order_id: str) -> OrderRecord | None:
        """The record of the order that callers know by this id."""
        return next((record for record in self if str(record.key) == order_id), None)

    def add(self, record: OrderRecord) -> None:
        """Follow an order from now on; executions told before its record are caught up."""
        self._forget_ended()
        self._records[record.key] = record
        for execution in self._executions:
            if record.is_same(execution):
                record.executed(execution)

    def alive(self, account_id: str, order_ref: str) -> OrderRecord | None:
        """Our order of this reference that may still fill, if there is one."""
        ours = (each for each in self if each.key.belongs_to(self._client_id) and each.account_id == account_id)
        return next((each for each in ours if each.order_ref == order_ref and not each.is_final), None)

    def listed(self, message: OrderListed) -> None:
        """Route an openOrder message; an unknown order gets a record."""
        if message.key not in self._records:
            self.add(_record_of(message))
        self._records[message.key].listed(message)

    def of_listing(self, message: OrderListed) -> OrderRecord:
        """The record of a listed order; one of its own when its number belongs to another order in our books."""
        record = self._records[message.key]
        return record if message.order_ref in ("", record.order_ref) else _record_of(message)

    def told(self, message: StatusTold) -> None:
        """Route an orderStatus message."""
        if record := self._records.get(message.key):
            record.told(message)

    def executed(self, execution: ExecutionTold) -> None:
        """Route an execution that is news."""
        for record in self._records.values():
            if record.is_same(execution):
                record.executed(execution)

    def failed(self, error: ErrorTold) -> None:
        """Route an error; numbers of errors are order ids of our own client id."""
        if record := self._records.get(OrderKey(self._client_id, error.request_id)):
            record.failed(error)

    def _forget_ended(self) -> None:
        """Forget the oldest that are over, many at a time, because finding them takes a look at each."""
        if len(self._records) > self._look_beyond:
            ended = [key for key, record in self._records.items() if record.is_done_with]
            for key in ended[:-_MOST_ENDED]:
                del self._records[key]
            self._look_beyond = len(self._records) + _MOST_ENDED

    def doubt(self, account_id: str) -> None:
        """Messages about the account, about any when empty, may have been lost: ask for its orders that may fill."""
        for record in self._records.values():
            if account_id in ("", record.account_id):
                record.doubt()


def _record_of(message: OrderListed) -> OrderRecord:
    return OrderRecord(
        key=message.key,
        account_id=message.account_id,
        symbol=message.symbol,
        side=message.side,
        quantity=message.quantity,
        order_ref=message.order_ref,
        perm_id=message.perm_id,
        told_status=message.status,
    )
