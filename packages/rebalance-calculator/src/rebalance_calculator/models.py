"""Values that go into a plan and come out of it: frozen, slotted, Decimal.

Money and prices are in US dollars, weights are fractions of 1, quantities are shares (negative when short).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from broker_connector_base import AccountPosition, AccountSnapshot, ContractPrice, Side
from rebalance_calculator.limits import NO_LIMITS, TradeLimits


@dataclass(frozen=True, slots=True)
class Allocation:
    """A weight as published, not yet checked."""

    symbol: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class TargetWeight:
    """A checked weight: the symbol upper-cased and unique among its peers, the weight in 0..1."""

    symbol: str
    weight: Decimal


@dataclass(frozen=True, slots=True)
class ReplacementRule:
    """Hold `target` wherever `source` is published, with `scale` times its weight."""

    source: str
    target: str
    scale: Decimal


@dataclass(frozen=True, slots=True)
class ReplacementSet:
    """The rules that an account applies to every published allocation; order does not matter."""

    name: str
    rules: tuple[ReplacementRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityInfo:
    """How much of an account may be invested.

    `available_for_trading` is total equity less reserve and unmanaged value, and never negative.
    """

    total_equity: Decimal
    reserve_percentage: Decimal
    """Percent of total equity, 0..10, as applied."""
    reserve_amount: Decimal
    """Cash that stays uninvested."""
    unmanaged_value: Decimal
    """Value of what is never traded: options, futures, foreign listings and cash, excluded symbols."""
    available_for_trading: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPosition:
    """Where one symbol should be, and where it is."""

    symbol: str
    weight: Decimal
    price: Decimal
    held: Decimal
    target_quantity: Decimal
    """Ideal shares, fractional, cut after twelve decimals."""
    difference: Decimal
    """`target_quantity - held`: positive when shares are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A planned order: `quantity` whole shares, at least one."""

    symbol: str
    side: Side
    quantity: int
    price: Decimal
    market_value: Decimal
    """`quantity * price`, positive for both sides."""
    reason: str
    """Why, in plain words with numbers, for the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residue:
    """A fraction of a share that a whole-share order cannot sell."""

    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInputs:
    """Everything that decides a plan."""

    snapshot: AccountSnapshot
    weights: tuple[TargetWeight, ...]
    """Validated, and replaced if the account has a replacement set."""
    prices: Mapping[str, ContractPrice]
    """At least the symbols of `symbols_to_price`."""
    reserve_percentage: Decimal
    """As configured; outside of 0..10 the default is used, with a warning in the plan."""
    excluded: frozenset[str]
    """Symbols that the account's owner keeps for himself: never traded."""
    limits: TradeLimits = NO_LIMITS
    buy_price_buffer: Decimal = Decimal(0)
    """Fraction by which buys are assumed to be dearer than their prices when they are fitted to cash, at least 0."""
    proceeds_fund_buys: bool = True
    """False when sells and buys go out together, so that buys may spend only the cash that is already there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebalancePlan:
    """What to trade and why. Equal inputs give equal plans, whatever their order."""

    equity: EquityInfo
    targets: tuple[TargetPosition, ...]
    """Every target and every managed position, by symbol."""
    sells: tuple[Trade, ...]
    buys: tuple[Trade, ...]
    unmanaged: tuple[AccountPosition, ...]
    """Positions that are reported and never touched."""
    residues: tuple[Residue, ...]
    warnings: tuple[str, ...]
    limits: TradeLimits = NO_LIMITS
    """As in the inputs; buys planned anew keep them too."""
    buy_price_buffer: Decimal = Decimal(0)
    """As in the inputs."""
    buy_ceilings: Mapping[str, int] | None = None
    """The most shares by symbol that the turnover cap leaves to buys, none of absent symbols; None: no such cap."""

    @property
    def trades(self) -> tuple[Trade, ...]:
        """Sells first, then buys, each by symbol: the order in which they are carried out."""
        return self.sells + self.buys

    @property
    def symbols(self) -> frozenset[str]:
        """Symbols with a trade in this plan."""
        return frozenset(trade.symbol for trade in self.trades)
