"""Learning an order's fate from lists, where its messages leave it open."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import Order, Trade
from ib_async import OrderStatus as TradeStatus

from broker_connector_base import BrokerAPIError, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from ibkr_connector.messages import ErrorTold, ExecutionTold, Message, OrderKey, OrderListed, StatusTold
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.reconciliation import Reconciler
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings

KEY = OrderKey(5, 12)
PERM_ID = 900
REQUEST = OrderRequest(
    account_id="DU1",
    symbol="SPY",
    side=Side.BUY,
    quantity=100,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.DAY,
    order_ref="ref",
)


class _Lists(Requests):
    """The gateway's lists as scripted: what is open, what is told with each answer to executions, what completed."""

    def __init__(self, session: GatewaySession) -> None:
        super().__init__(session)
        self.session = session
        self.open: list[OrderListed] = []
        self.executions_told: list[list[Message]] = []
        self.completed: list[Trade] = []
        self.is_refused = False
        self.asked: list[str] = []

    async def open_orders(self, account_id: str = "") -> list[OrderListed]:  # noqa: ARG002 - one list for everybody
        self.asked.append("open")
        if self.is_refused:
            raise BrokerAPIError("read-only")
        for each in self.open:
            self.session.receive(each)
        return self.open

    async def executions(self, account_id: str) -> None:
        self.asked.append(f"executions of {account_id}")
        for message in self.executions_told.pop(0) if self.executions_told else []:
            self.session.receive(message)

    async def completed_orders(self) -> list[Trade]:
        self.asked.append("completed")
        return self.completed


class _Case:
    """One order of 100 shares and the gateway's lists."""

    def __init__(self) -> None:
        settings = IBKRConnectionSettings(
            host="h", port=1, client_id=5, trading_mode="paper", message_grace_seconds=0.01
        )
        self.session = GatewaySession(settings, lambda: datetime(2026, 11, 20, tzinfo=UTC))
        self.lists = _Lists(self.session)
        self.record = OrderRecord(
            key=KEY,
            account_id="DU1",
            symbol="SPY",
            side=Side.BUY,
            quantity=Decimal(100),
            order_ref="ref",
            request=REQUEST,
        )
        self.session.orders.add(self.record)

    async def reconcile(self, *said: Message) -> OrderRecord:
        """Hear these messages, then ask."""
        for message in said:
            self.session.receive(message)
        await Reconciler(self.session, self.lists).reconcile(self.record)
        return self.record


@pytest.fixture
async def case() -> _Case:
    """A case without lists."""
    return _Case()


def _status(status: str, filled: int = 0, why_held: str = "") -> StatusTold:
    return StatusTold(key=KEY, perm_id=PERM_ID, status=status, filled=Decimal(filled), why_held=why_held)


def _error(code: int) -> ErrorTold:
    return ErrorTold(KEY.order_id, code, "words")


def _execution(quantity: int, exec_id: str = "a.b.1.01") -> ExecutionTold:
    return ExecutionTold(
        exec_id=exec_id,
        key=KEY,
        perm_id=PERM_ID,
        order_ref="ref",
        account_id="DU1",
        contract_id=1,
        symbol="SPY",
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(10),
        executed_at=datetime(2026, 11, 20, tzinfo=UTC),
    )


def _listed(status: str = "Submitted", order_ref: str = "ref") -> OrderListed:
    return OrderListed(
        key=KEY,
        perm_id=PERM_ID,
        account_id="DU1",
        symbol="SPY",
        side=Side.BUY,
        quantity=Decimal(100),
        order_type="MKT",
        order_ref=order_ref,
        status=status,
    )


def _completed(status: str, perm_id: int = PERM_ID, order_ref: str = "ref") -> Trade:
    order = Order(permId=perm_id, orderRef=order_ref, account="DU1")
    return Trade(order=order, orderStatus=TradeStatus(status=status))


@pytest.mark.parametrize("code", [201, 202, 10147, 10148, 161, 99999])
async def test_a_listed_order_lives(case: _Case, code: int) -> None:
    """Whatever an error said: what is listed may fill."""
    case.lists.open = [_listed()]

    record = await case.reconcile(_status("Submitted"), _error(code))

    assert record.status is OrderStatus.WORKING
    assert not record.is_doubtful
    assert "completed" not in case.lists.asked


async def test_executions_are_asked_for_after_open_orders(case: _Case) -> None:
    """An order that left the list by filling has its executions told afterwards."""
    case.lists.executions_told = [[_execution(100)]]

    record = await case.reconcile(_status("Submitted"), _error(10148))

    assert record.status is OrderStatus.FILLED
    assert case.lists.asked == ["open", "executions of DU1"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (201, OrderStatus.REJECTED),
        (321, OrderStatus.REJECTED),
        (99999, OrderStatus.REJECTED),
        (202, OrderStatus.CANCELLED),
        (10147, OrderStatus.CANCELLED),
        (10148, OrderStatus.CANCELLED),
        (161, OrderStatus.CANCELLED),
    ],
)
async def test_absence_and_words_together_are_an_end(case: _Case, code: int, status: OrderStatus) -> None:
    """An order on no list, without executions, ended the way the broker's words say."""
    record = await case.reconcile(_error(code))

    assert record.status is status


@pytest.mark.parametrize("code", [10147, 10148, 161, 99999])
async def test_ambiguous_words_are_looked_into_twice(case: _Case, code: int) -> None:
    """A cancellation that finds nothing may have met a fill whose executions are late."""
    case.lists.executions_told = [[], [_execution(100)]]

    record = await case.reconcile(_status("Submitted"), _error(code))

    assert record.status is OrderStatus.FILLED


async def test_absence_alone_is_no_end(case: _Case) -> None:
    """Without a word, nothing is concluded from silence."""
    record = await case.reconcile(_status("Submitted"))

    assert record.status is OrderStatus.WORKING


@pytest.mark.parametrize(
    ("completed", "status"),
    [
        ("Cancelled", OrderStatus.CANCELLED),
        ("ApiCancelled", OrderStatus.CANCELLED),
        ("Inactive", OrderStatus.REJECTED),
        ("Filled", OrderStatus.WORKING),
    ],
)
async def test_completed_orders_speak_for_the_silent(case: _Case, completed: str, status: OrderStatus) -> None:
    """The list of completed orders settles an end; a fill is settled by executions only."""
    case.lists.completed = [_completed("Submitted", perm_id=901, order_ref="other"), _completed(completed)]

    record = await case.reconcile(_status("Submitted"))

    assert record.status is status


async def test_a_fill_of_an_order_found_open_is_settled_by_its_listing(case: _Case) -> None:
    """Of an order of an earlier session nobody waits for executions; completed and filled is over."""
    case.record.request = None
    case.lists.completed = [_completed("Filled")]

    assert (await case.reconcile(_status("Submitted", 40), _error(10148))).status is OrderStatus.FILLED


async def test_without_a_permanent_id_the_reference_finds_the_order(case: _Case) -> None:
    """An order that was never acknowledged is known by our reference."""
    case.lists.completed = [_completed("Inactive", perm_id=901, order_ref="other"), _completed("Cancelled", perm_id=7)]

    assert (await case.reconcile()).status is OrderStatus.CANCELLED


async def test_late_executions_of_a_cancelled_order_are_waited_for(case: _Case) -> None:
    """Cancelled after 40 shares is final only with the executions of these 40."""
    case.lists.completed = [_completed("Cancelled")]
    without = (await case.reconcile(_status("Cancelled", 40))).status
    case.lists.executions_told = [[], [_execution(40)]]

    record = await case.reconcile()

    assert without is OrderStatus.WORKING
    assert (record.status, record.filled) == (OrderStatus.CANCELLED, 40)


async def test_a_corrected_quantity_ends_a_filled_order(case: _Case) -> None:
    """After a correction the shares no longer add up to the order; the broker's Filled ends it."""
    record = await case.reconcile(_status("Filled", 100), _execution(100), _execution(90, "a.b.1.02"))

    assert (record.status, record.filled) == (OrderStatus.CANCELLED, 90)


@pytest.mark.parametrize(
    ("why_held", "code", "status"),
    [
        ("", 161, OrderStatus.REJECTED),
        ("", 10148, OrderStatus.REJECTED),
        ("locate", 161, OrderStatus.WORKING),
        ("", 399, OrderStatus.WORKING),
    ],
)
async def test_an_inactive_order_that_cannot_be_cancelled_is_dead(
    case: _Case, why_held: str, code: int, status: OrderStatus
) -> None:
    """Refused orders stay listed as inactive; only the broker's refusal to cancel one tells that it is not held."""
    case.lists.open = [_listed("Inactive")]

    record = await case.reconcile(_status("Inactive", why_held=why_held), _error(code))

    assert record.status is status


async def test_an_inactive_order_that_is_gone_was_refused(case: _Case) -> None:
    """Inactive and no longer listed, without a word, is a rejection."""
    assert (await case.reconcile(_status("Inactive"))).status is OrderStatus.REJECTED


async def test_another_order_of_the_same_number_is_not_ours(case: _Case) -> None:
    """A duplicate id is refused, and the listed order of that number is another one."""
    case.lists.open = [_listed(order_ref="theirs")]

    assert (await case.reconcile(_error(103))).status is OrderStatus.REJECTED


async def test_a_gateway_that_refuses_lists_may_have_refused_the_order_too(case: _Case) -> None:
    """An order refused before any acknowledgement is on no list; any other order's fate stays unknown."""
    case.lists.is_refused = True
    refused = (await case.reconcile(_error(321))).status
    other = _Case()
    other.lists.is_refused = True

    with pytest.raises(BrokerAPIError):
        await other.reconcile(_status("Submitted"), _error(321))

    assert refused is OrderStatus.REJECTED
    assert other.record.status is OrderStatus.WORKING


async def test_an_order_may_show_life_after_its_verdict(case: _Case) -> None:
    """A verdict from absence yields to the broker's next word."""
    record = await case.reconcile(_status("Submitted"), _error(10147))
    concluded = record.status
    case.session.receive(_status("Submitted"))

    assert (concluded, record.status) == (OrderStatus.CANCELLED, OrderStatus.WORKING)


async def test_parts_of_an_order_that_are_not_counted_are_found_by_its_status(case: _Case) -> None:
    """Numbered like corrections and without a count: the brokerage's status says how many shares there must be."""
    parts = [_execution(33, "x.01.01"), _execution(33, "x.01.02"), _execution(34, "x.01.03")]

    record = await case.reconcile(*parts, _status("Filled", 100))

    assert (record.status, record.filled) == (OrderStatus.FILLED, 100)
    assert not record.has_corrections


async def test_corrections_are_not_taken_for_parts(case: _Case) -> None:
    """A fill that was corrected to fewer shares stays corrected."""
    record = await case.reconcile(_execution(100, "x.01.01"), _execution(60, "x.01.02"), _status("Filled", 100))

    assert (record.status, record.filled) == (OrderStatus.CANCELLED, 60)
