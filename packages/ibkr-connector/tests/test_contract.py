"""The contract suite of every connector, both halves, against a simulated gateway."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker_connector_base import Side
from broker_connector_base.testing import CONTRACT_SPEC, ExtendedBrokerWorld, PaperAccount, PaperQuote
from broker_connector_base.testing.contract import BrokerContract, BrokerContractExtended
from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

_SOMEBODY_ELSE = 77


class _GatewayWorld:
    """A BrokerWorld behind a gateway."""

    def __init__(
        self,
        world: World,
        gateway: GatewayServer,
        new_client: Callable[[], IBKRClient],
        connect_as: Callable[[int], Awaitable[IBKRClient]],
    ) -> None:
        self._world = world
        self._gateway = gateway
        self._connect_as = connect_as
        self.new_client = new_client

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the simulated gateway keeps real time

    def set_price(self, symbol: str, price: Decimal) -> None:
        self._world.set_price(symbol, price)

    def reject_next(self, symbol: str, side: Side, words: str) -> None:
        self._script("reject", symbol, side, text=words)

    def fill_next_partly(self, symbol: str, side: Side, quantity: Decimal) -> None:
        self._script("partial_fill", symbol, side, quantity=quantity)

    def leave_next_open(self, symbol: str, side: Side) -> None:
        self._script("slow_fill", symbol, side)

    def place_foreign_order(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        self.leave_next_open(symbol, side)
        self._world.place_foreign_order(
            _SOMEBODY_ELSE, account=account_id, symbol=symbol, side=side.value, quantity=Decimal(quantity)
        )

    def place_order_by_hand(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        self.leave_next_open(symbol, side)
        self._world.place_manual_order(account=account_id, symbol=symbol, side=side.value, quantity=Decimal(quantity))

    async def occupy_foreign_id(self) -> None:
        await self._connect_as(_SOMEBODY_ELSE)

    def close_market(self) -> None:
        self._world.set_hours("closed")

    def correct_last_fill(self, account_id: str, price: Decimal) -> None:
        self._world.correct_last_fill(account_id, price)

    def bust_last_fill(self, account_id: str) -> None:
        self._world.bust_last_fill(account_id)

    async def break_connections(self) -> None:
        await self._gateway.drop_connections()

    def _script(self, kind: str, symbol: str, side: Side, **details: object) -> None:
        self._world.add_fault({"kind": kind, "symbol": symbol, "side": side.value, "times": 1, **details})


def _account(account: PaperAccount) -> dict[str, object]:
    return {
        "id": account.account_id,
        "cash": account.cash,
        "settled_cash": account.settled_cash,
        "kind": "cash" if account.is_cash_account else "margin",
        "day_trades_remaining": -1 if account.day_trades_remaining is None else account.day_trades_remaining,
        "positions": [{"symbol": held.symbol, "quantity": held.quantity} for held in account.positions],
    }


def _instrument(quote: PaperQuote) -> dict[str, object]:
    return {"symbol": quote.symbol, "price": quote.price or Decimal(1), "no_quote": quote.price is None}


class TestAgainstAGateway(BrokerContract, BrokerContractExtended):
    """IBKRClient keeps the contract."""

    @pytest.fixture
    async def world(
        self, make_client: Callable[..., IBKRClient], open_client: Callable[..., Awaitable[IBKRClient]]
    ) -> AsyncIterator[ExtendedBrokerWorld]:
        """The suite's world behind a gateway of its own."""
        content = {
            "accounts": [_account(account) for account in CONTRACT_SPEC.accounts],
            "instruments": [_instrument(quote) for quote in CONTRACT_SPEC.quotes],
        }
        world = World.from_dict(content)
        async with GatewayServer(world) as gateway:
            yield _GatewayWorld(
                world,
                gateway,
                lambda: make_client(port=gateway.port),
                lambda client_id: open_client(port=gateway.port, client_id=client_id),
            )
        world.close()
