"""What the limits leave of the differences between targets and positions, before cash (rule 6 of the plan)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from rebalance_calculator.limits import TradeLimits
from rebalance_calculator.models import TargetPosition
from rebalance_calculator.precision import shares_to_trade

_ZERO = Decimal(0)


class Limit(StrEnum):
    """The limits by their names in the configuration."""

    MAX_ORDER_VALUE = "max_order_value"
    MAX_TURNOVER_PERCENT = "max_turnover_percent"
    MIN_TRADE_VALUE = "min_trade_value"
    DRIFT_BAND_PERCENT = "drift_band_percent"


@dataclass(frozen=True, slots=True)
class Wish:
    """Shares of one symbol to trade: positive to buy, fractional; negative to sell, whole."""

    target: TargetPosition
    quantity: Decimal
    limit: Limit | None = None
    """The last limit that made the quantity smaller than the target asks for."""

    @property
    def shares(self) -> int:
        """Whole shares, with their sign."""
        return shares_to_trade(self.quantity)

    @property
    def value(self) -> Decimal:
        """US dollars of the whole shares, at least 0."""
        return abs(self.shares) * self.target.price

    def cut_to(self, shares: int, limit: Limit) -> "Wish":
        """The wish with no more than so many shares in its direction; the limit is named if it costs a share."""
        if abs(self.quantity) <= shares:
            return self
        cut = Decimal(shares if self.quantity > 0 else -shares)
        return replace(self, quantity=cut, limit=limit if abs(self.shares) > shares else self.limit)


def wishes(targets: Iterable[TargetPosition], limits: TradeLimits, investable: Decimal) -> Sequence[Wish]:
    """A wish for every target, empty where nothing is to be done; the turnover cap is left to `within_ceilings`.

    Args:
        targets: where every symbol should be and where it is.
        limits: of the account.
        investable: US dollars that the weights are fractions of.
    """
    return tuple(_limited(_unlimited(target), limits, investable) for target in targets)


def within_ceilings(items: Iterable[Wish], ceilings: Mapping[str, int], limits: TradeLimits) -> Sequence[Wish]:
    """The wishes with no more shares than their ceilings, none where there is none."""
    cut = (item.cut_to(ceilings.get(item.target.symbol, 0), Limit.MAX_TURNOVER_PERCENT) for item in items)
    return tuple(_large_enough(item, limits) for item in cut)


def turnover_ceilings(trades: Mapping[str, int], values: Mapping[str, Decimal], most: Decimal) -> Mapping[str, int]:
    """Whole shares by symbol, scaled down pro rata so that all are worth no more than `most` together.

    Args:
        trades: shares by symbol, at least 0.
        values: what they are worth by symbol, US dollars, more than `most` together.
        most: US dollars, at least 0.
    """
    total = sum(values.values(), _ZERO)
    return {symbol: int(shares * most // total) for symbol, shares in trades.items()}


def is_too_small(value: Decimal, limits: TradeLimits) -> bool:
    """True for an order that is not worth sending."""
    return limits.min_trade_value is not None and 0 < value < limits.min_trade_value


def sellable(target: TargetPosition) -> int:
    """Whole shares above the target, never more than the whole shares held."""
    return max(min(-shares_to_trade(target.difference), int(target.held)), 0)


def _unlimited(target: TargetPosition) -> Wish:
    return Wish(target, target.difference if target.difference > 0 else Decimal(-sellable(target)))


def _limited(wish: Wish, limits: TradeLimits, investable: Decimal) -> Wish:
    if wish.shares and _is_within_band(wish.target, limits, investable):
        return replace(wish, quantity=_ZERO, limit=Limit.DRIFT_BAND_PERCENT)
    wish = _large_enough(wish, limits)
    if limits.max_order_value is None:
        return wish
    return _large_enough(wish.cut_to(int(limits.max_order_value // wish.target.price), Limit.MAX_ORDER_VALUE), limits)


def _large_enough(wish: Wish, limits: TradeLimits) -> Wish:
    return wish.cut_to(0, Limit.MIN_TRADE_VALUE) if is_too_small(wish.value, limits) else wish


def _is_within_band(target: TargetPosition, limits: TradeLimits, investable: Decimal) -> bool:
    band = limits.drift_band_percent
    if band is None or target.weight == 0 or target.held < 0:
        return False
    drift = target.held * target.price - target.weight * investable
    return abs(drift) <= band * investable / 100
