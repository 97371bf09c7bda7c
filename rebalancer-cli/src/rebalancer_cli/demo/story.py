"""What the demonstration does to whom, and what it saw: plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

import yaml

from rebalancer_cli.demo.world_view import AccountView

LIVE_CHANNEL = "strategy-growth"
PREVIEW_CHANNEL = "strategy-income"
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demonstration, as its accounts.yaml says."""

    account_id: str
    channel: str
    reserve_percent: Decimal

    @property
    def is_live(self) -> bool:
        """True when the demonstration trades it; the others are previewed."""
        return self.channel == LIVE_CHANNEL


@dataclass(frozen=True, slots=True)
class AccountStory:
    """One account before and after, and what the system says it did."""

    account: DemoAccount
    before: AccountView
    after: AccountView
    prices: Mapping[str, Decimal]
    """As the simulated exchange had them after the run."""
    weights: Mapping[str, Decimal]
    orders_sent: int
    event: Mapping[str, Any]
    """The event with its result and history, as the management service shows it."""

    @property
    def result(self) -> Mapping[str, Any]:
        """What the event came to; empty when it came to nothing."""
        return self.event.get("result") or {}

    @property
    def history(self) -> Sequence[Mapping[str, Any]]:
        """The audit trail, oldest first."""
        return self.event.get("history") or []

    @property
    def reserve(self) -> Decimal:
        """Cash to be kept, in US dollars."""
        return self.after.net_liquidation * self.account.reserve_percent / _HUNDRED

    def target_shares(self, symbol: str) -> Decimal:
        """Shares that the published weight asks for, worked out here from the simulated world's own figures."""
        investable = self.after.net_liquidation - self.reserve
        return self.weights.get(symbol, Decimal(0)) * investable / self.prices[symbol]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Everything held before or after, or wanted."""
        return tuple(sorted({*self.before.positions, *self.after.positions, *self.weights}))


def accounts_text() -> str:
    """The demonstration's accounts.yaml."""
    return (files("rebalancer_cli.demo") / "accounts.yaml").read_text("utf-8")


def demo_accounts() -> tuple[DemoAccount, ...]:
    """The accounts of the demonstration."""
    return tuple(
        DemoAccount(
            account_id=entry["account_id"],
            channel=entry["notification"]["channel"],
            reserve_percent=Decimal(str(entry.get("rebalancing", {}).get("equity_reserve_percentage", 1))),
        )
        for entry in yaml.safe_load(accounts_text())
    )
