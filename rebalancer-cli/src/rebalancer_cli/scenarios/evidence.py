"""What was seen of a scenario from outside: the simulated brokerage's books and the HTTP API. Plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rebalancer_cli.demo.story import AccountStory, DemoAccount
from rebalancer_cli.demo.world_view import AccountView

OTHER_CLIENT = 77
"""The client id under which a play places an order that is not the rebalancer's."""
_CANCELS = ("cancel_order", "global_cancel")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened at the simulated brokerage; `kind` as in the sandbox's journal."""

    seq: int
    kind: str
    client_id: int | None = None
    symbol: str = ""
    order_ref: str = ""
    details: Mapping[str, Any] | None = None

    @property
    def side(self) -> str:
        """BUY or SELL, of an order; empty otherwise."""
        return str((self.details or {}).get("side", ""))

    @property
    def quantity(self) -> Decimal:
        """Shares ordered or filled."""
        return Decimal(str((self.details or {}).get("quantity", 0)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """Everything at one moment."""

    account: AccountView
    open_orders: int
    """Orders in the market for the account, whoever placed them."""
    journal: Sequence[Entry]
    """What concerned the account up to this moment, oldest first."""
    event: Mapping[str, Any]
    """The event as GET /queue/events/{id} shows it."""
    health_code: int
    """HTTP status of GET /health."""
    health: Mapping[str, Any]
    prices: Mapping[str, Decimal]
    weights: Mapping[str, Decimal]
    """The model; empty when the allocations API answers something else."""

    def of(self, *kinds: str) -> list[Entry]:
        """What happened of these kinds."""
        return [entry for entry in self.journal if entry.kind in kinds]

    @property
    def placed(self) -> list[Entry]:
        """Every order that the gateway was asked to place, but for those of the play itself."""
        return [entry for entry in self.of("place_order") if entry.client_id != OTHER_CLIENT]

    @property
    def cancels(self) -> list[Entry]:
        """Every request to cancel that reached the gateway."""
        return self.of(*_CANCELS)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A scenario's account before the signal, at the moments that its play chose, and at the end."""

    account: DemoAccount
    before: AccountView
    meanwhile: Sequence[Sighting]
    end: Sighting

    @property
    def story(self) -> AccountStory:
        """The same as the demonstration tells it."""
        return AccountStory(
            account=self.account,
            before=self.before,
            after=self.end.account,
            prices=self.end.prices,
            weights=self.end.weights,
            orders_sent=len(self.end.placed),
            event=self.end.event,
        )

    def at_first_sighting(self) -> "Evidence | None":
        """The evidence as if the first moment that the play chose were the end; None when it never came."""
        return replace(self, end=self.meanwhile[0], meanwhile=()) if self.meanwhile else None
