"""Bounds that an account's owner puts on one plan. Without any, nothing changes."""

from dataclasses import dataclass, fields
from decimal import Decimal

from rebalance_calculator.errors import PlanError


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLimits:
    """Each limit is a number above 0, or absent. Values are in US dollars at plan prices.

    Every order of a plan keeps all of them: none is larger than `max_order_value` or smaller than `min_trade_value`,
    and all together stay within the turnover. They bound one plan; the next one has them anew.

    Raises:
        PlanError: a limit is not a number above 0.
    """

    max_order_value: Decimal | None = None
    """The most that one order may be worth: larger ones are cut to whole shares below it."""
    max_turnover_percent: Decimal | None = None
    """The most that all orders may be worth together, sells and buys alike, in percent of net liquidation."""
    min_trade_value: Decimal | None = None
    """Orders worth less are not sent."""
    drift_band_percent: Decimal | None = None
    """Percentage points of the investable value by which a position may differ from its target and be left alone.

    Positions without a target are sold all the same, and shorts bought back.
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be a limit."""
        for field in fields(self):
            value: Decimal | None = getattr(self, field.name)
            if value is not None and not (value.is_finite() and value > 0):
                raise PlanError(f"limits: {field.name} is {value}, expected a number above 0")


NO_LIMITS = TradeLimits()
"""Whatever the weights ask for."""
