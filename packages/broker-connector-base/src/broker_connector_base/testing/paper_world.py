"""The contract suite's world, on paper."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from broker_connector_base.models import Fill, OrderRequest, OrderType, Side, TimeInForce
from broker_connector_base.testing.paper_broker import PaperBroker
from broker_connector_base.testing.paper_brokerage import PaperBrokerage
from broker_connector_base.testing.paper_owners import BY_HAND
from broker_connector_base.testing.paper_scripts import Behaviour, FillPartly, LeaveOpen, OrderScript, RejectOrder
from broker_connector_base.testing.paper_spec import PaperQuote, PaperSpec

_SOMEBODY_ELSE = "77"


class PaperWorld:
    """An ExtendedBrokerWorld whose brokerage is a PaperBrokerage."""

    def __init__(self, spec: PaperSpec, *, now: Callable[[], datetime]) -> None:
        self.brokerage = PaperBrokerage(spec, now=now)
        self._clients: list[PaperBroker] = []

    def now(self) -> datetime:
        """See BrokerWorld."""
        return self.brokerage.now()

    def new_client(self) -> PaperBroker:
        """See BrokerWorld."""
        client = PaperBroker(self.brokerage)
        self._clients.append(client)
        return client

    def set_price(self, symbol: str, price: Decimal) -> None:
        """See BrokerWorld."""
        self.brokerage.set_quote(PaperQuote(symbol=symbol, price=price))

    def reject_next(self, symbol: str, side: Side, words: str) -> None:
        """See BrokerWorld."""
        self._script(symbol, side, RejectOrder(words))

    def fill_next_partly(self, symbol: str, side: Side, quantity: Decimal) -> None:
        """See BrokerWorld."""
        self._script(symbol, side, FillPartly(quantity))

    def leave_next_open(self, symbol: str, side: Side) -> None:
        """See BrokerWorld."""
        self._script(symbol, side, LeaveOpen())

    def place_foreign_order(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        """See BrokerWorld."""
        self._place(account_id, symbol, side, quantity, owner=_SOMEBODY_ELSE)

    def place_order_by_hand(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        """See ExtendedBrokerWorld."""
        self._place(account_id, symbol, side, quantity, owner=BY_HAND)

    async def occupy_foreign_id(self) -> None:
        """See ExtendedBrokerWorld."""
        self.brokerage.owners.occupy(_SOMEBODY_ELSE)

    def close_market(self) -> None:
        """See ExtendedBrokerWorld."""
        self.brokerage.close_market()

    def correct_last_fill(self, account_id: str, price: Decimal) -> None:
        """See ExtendedBrokerWorld."""
        fill = self._last_fill(account_id)
        self.brokerage.correct_fill(fill, quantity=fill.quantity, price=price)

    def bust_last_fill(self, account_id: str) -> None:
        """See ExtendedBrokerWorld."""
        fill = self._last_fill(account_id)
        self.brokerage.correct_fill(fill, quantity=Decimal(0), price=fill.price)

    async def break_connections(self) -> None:
        """See BrokerWorld."""
        for client in self._clients:
            client.lose_connection()

    def _last_fill(self, account_id: str) -> Fill:
        return next(fill for fill in reversed(self.brokerage.fills) if fill.account_id == account_id)

    def _place(self, account_id: str, symbol: str, side: Side, quantity: int, *, owner: str) -> None:
        self.leave_next_open(symbol, side)
        request = OrderRequest(
            account_id=account_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.GOOD_TILL_CANCELLED,
            order_ref="not ours",
        )
        self.brokerage.place(request, owner=owner)

    def _script(self, symbol: str, side: Side, behaviour: Behaviour) -> None:
        self.brokerage.scripts.add(OrderScript(behaviour, symbol, side))
