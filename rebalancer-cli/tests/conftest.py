"""What the tests of the command line share."""

from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from rebalancer_cli.demo.story import LIVE_CHANNEL, PREVIEW_CHANNEL, AccountStory, DemoAccount
from rebalancer_cli.demo.world_view import AccountView

StoryMaker = Callable[..., AccountStory]


@pytest.fixture
def output() -> StringIO:
    """What was printed on `console`."""
    return StringIO()


@pytest.fixture
def console(output: StringIO) -> Console:
    """A console as a file sees it."""
    return Console(file=output, highlight=False, markup=False, soft_wrap=True, width=160)


def history(kinds: str) -> list[dict[str, Any]]:
    return [{"kind": kind, "recorded_at": "2025-06-24T14:30:00Z", "details": {}} for kind in kinds.split()]


def view(cash: str, worth: str, **held: int) -> AccountView:
    positions = {symbol: Decimal(quantity) for symbol, quantity in held.items()}
    return AccountView("DU1", Decimal(cash), Decimal(worth), positions)


@pytest.fixture
def live_story() -> StoryMaker:
    """An account of 10,000 USD that arrived at 60 % AAA and 39 % BBB, 1 % kept; keywords change the end."""

    def make(*, cash: str = "100", orders_sent: int = 2, result: dict[str, Any] | None = None, **held: int) -> Any:
        event: dict[str, Any] = {
            "event_id": "e-1",
            "status": "completed",
            "result": {"status": "success", "orders": []} if result is None else result,
            "history": history("queued claimed order_intent order_intent completed"),
        }
        return AccountStory(
            account=DemoAccount("DU1", LIVE_CHANNEL, Decimal(1)),
            before=view("5000", "10000", AAA=50),
            after=view(cash, "10000", **(held or {"AAA": 60, "BBB": 195})),
            prices={"AAA": Decimal(99), "BBB": Decimal("19.80"), "CCC": Decimal(10)},
            weights={"AAA": Decimal("0.6"), "BBB": Decimal("0.39")},
            orders_sent=orders_sent,
            event=event,
        )

    return make


@pytest.fixture
def preview_story() -> StoryMaker:
    """A preview that touched nothing and proposes one order; keywords change the end."""

    def make(
        *, cash: str = "5000", orders_sent: int = 0, orders: tuple[dict[str, Any], ...] | None = None, held: int = 50
    ) -> Any:
        proposed = ({"action": "BUY", "quantity": 10, "symbol": "AAA"},) if orders is None else orders
        return AccountStory(
            account=DemoAccount("DU1", PREVIEW_CHANNEL, Decimal(1)),
            before=view("5000", "10000", AAA=50),
            after=view(cash, "10000", AAA=held),
            prices={"AAA": Decimal(100)},
            weights={"AAA": Decimal("0.6")},
            orders_sent=orders_sent,
            event={
                "event_id": "e-2",
                "status": "completed",
                "result": {"status": "success", "orders": list(proposed)},
                "history": history("queued claimed " + "order_intent " * orders_sent + "completed"),
            },
        )

    return make
