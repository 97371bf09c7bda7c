"""What the contract suite needs from the surroundings of a connector: a brokerage that can be told what to do next."""

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.models import Side
from broker_connector_base.testing.paper_spec import PaperAccount, PaperQuote, PaperSpec, paper_position

MARGIN_ACCOUNT = "DU1"
CASH_ACCOUNT = "DU2"

CONTRACT_SPEC = PaperSpec(
    accounts=(
        PaperAccount(
            account_id=MARGIN_ACCOUNT,
            cash=Decimal(100_000),
            positions=(paper_position("SPY", 100),),
            day_trades_remaining=3,
        ),
        PaperAccount(account_id=CASH_ACCOUNT, cash=Decimal(5000), settled_cash=Decimal(3000), is_cash_account=True),
    ),
    quotes=(
        PaperQuote(symbol="SPY", price=Decimal(500)),
        PaperQuote(symbol="TLT", price=Decimal(90)),
        PaperQuote(symbol="GLD", price=None),
    ),
)
"""The world in which the suite runs: the market is open, orders fill at once without commission."""


class BrokerWorld(Protocol):
    """A brokerage as in CONTRACT_SPEC. Each instruction takes effect at once and touches the next order that fits."""

    def now(self) -> datetime:
        """The brokerage's time."""
        ...

    def new_client(self) -> BrokerClient:
        """A client that is not connected yet. All clients made here are one owner to the brokerage."""
        ...

    def set_price(self, symbol: str, price: Decimal) -> None:
        """Quote another price."""
        ...

    def reject_next(self, symbol: str, side: Side, words: str) -> None:
        """Refuse an order with these words."""
        ...

    def fill_next_partly(self, symbol: str, side: Side, quantity: Decimal) -> None:
        """Execute only so many shares of an order."""
        ...

    def leave_next_open(self, symbol: str, side: Side) -> None:
        """Accept an order and do not execute it."""
        ...

    def place_foreign_order(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        """Have somebody else place an order that stays open."""
        ...

    async def break_connections(self) -> None:
        """Cut every session; new ones may be opened."""
        ...


class ExtendedBrokerWorld(BrokerWorld, Protocol):
    """What `BrokerContractExtended` needs besides."""

    def place_order_by_hand(self, account_id: str, symbol: str, side: Side, quantity: int) -> None:
        """Have a person place an order in the brokerage's own program; it stays open."""
        ...

    async def occupy_foreign_id(self) -> None:
        """Let the owner of `place_foreign_order` keep a session, so that nobody else can connect under its id."""
        ...

    def close_market(self) -> None:
        """Hold the closing auction."""
        ...

    def correct_last_fill(self, account_id: str, price: Decimal) -> None:
        """Correct the price of the latest execution on an account."""
        ...

    def bust_last_fill(self, account_id: str) -> None:
        """Take the latest execution on an account back."""
        ...
