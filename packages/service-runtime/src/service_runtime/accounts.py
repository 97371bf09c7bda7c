"""accounts.yaml: which accounts follow which channel, and how each is rebalanced."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service_runtime.settings import TradingMode


def account_mode(account_id: str) -> TradingMode:
    """Paper or live, told by the id: Interactive Brokers starts paper ids with D (DU..., DF...), live ones never."""
    return TradingMode.PAPER if account_id[:1].upper() == "D" else TradingMode.LIVE


class NotificationConfig(BaseModel):
    """The Ably channel whose messages concern the account; it also names the allocations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: Annotated[str, Field(min_length=1)]


class RebalancingConfig(BaseModel):
    """How the account is rebalanced."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    equity_reserve_percentage: Decimal | None = None
    """Percent of net liquidation kept in cash; outside 0..10 it counts as 1 with a warning; absent it is 1."""


Limit = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class AccountLimits(BaseModel):
    """What bounds one plan of the account; a limit left out bounds nothing. Values are in US dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_order_value: Limit | None = None
    """The most that one order may be worth."""
    max_turnover_percent: Limit | None = None
    """The most that all orders may be worth together, in percent of net liquidation."""
    min_trade_value: Limit | None = None
    """Smaller trades are left out."""
    drift_band_percent: Limit | None = None
    """Percentage points by which a position may differ from its target without being traded."""


class PdtMode(StrEnum):
    """What keeps the account from being marked as a pattern day trader."""

    ONCE_PER_DAY = "once_per_day"
    """One rebalance that traded a trading day."""
    DAY_TRADES_REMAINING = "day_trades_remaining"
    """No trades while the brokerage reports no day trade left."""


class AccountConfig(BaseModel):
    """One entry of accounts.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,32}$")]
    enabled: bool = True
    broker: Literal["ibkr"] = "ibkr"
    notification: NotificationConfig
    rebalancing: RebalancingConfig = RebalancingConfig()
    replacement_set: str | None = None
    exclude: frozenset[str] = frozenset()
    """Symbols never touched and not investable."""
    pdt_protection_enabled: bool = False
    pdt_mode: PdtMode = PdtMode.ONCE_PER_DAY
    """Only looked at when the protection is enabled."""
    what_if: bool = False
    """Ask the brokerage what each plan's orders would do to the margin before they are sent."""
    limits: AccountLimits = AccountLimits()

    @property
    def channel(self) -> str:
        """The account's Ably channel."""
        return self.notification.channel


@dataclass(frozen=True, slots=True)
class Accounts:
    """All enabled accounts, by id; disabled ones are as if absent, and only their ids are kept to say so."""

    by_id: Mapping[str, AccountConfig]
    disabled: frozenset[str] = frozenset()

    def on_channel(self, channel: str) -> tuple[AccountConfig, ...]:
        """The accounts that follow a channel, in the order of the file."""
        return tuple(account for account in self.by_id.values() if account.channel == channel)

    @property
    def channels(self) -> tuple[str, ...]:
        """Each channel once, in the order of the file."""
        return tuple(dict.fromkeys(account.channel for account in self.by_id.values()))
