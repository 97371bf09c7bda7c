"""The contract suite's world, on paper."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from broker_connector_base.models import OrderRequest, OrderType, Side, TimeInForce
from broker_connector_base.testing.paper_broker import PaperBroker
from broker_connector_base.testing.paper_brokerage import PaperBrokerage
from broker_connector_base.testing.paper_scripts import Behaviour, FillPartly, LeaveOpen, OrderScript, RejectOrder
from broker_connector_base.testing.paper_spec import PaperQuote, PaperSpec


class PaperWorld:
    """A BrokerWorld whose brokerage is a PaperBrokerage."""

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
        self.leave_next_open(symbol, side)
        request = OrderRequest(
            account_id=account_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.GOOD_TILL_CANCELLED,
            order_ref="by hand",
        )
        self.brokerage.place(request, owner="77")

    async def break_connections(self) -> None:
        """See BrokerWorld."""
        for client in self._clients:
            client.lose_connection()

    def _script(self, symbol: str, side: Side, behaviour: Behaviour) -> None:
        self.brokerage.scripts.add(OrderScript(behaviour, symbol, side))
