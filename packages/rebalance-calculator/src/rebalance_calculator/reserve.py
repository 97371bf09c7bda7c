"""The share of an account that stays cash."""

from dataclasses import dataclass
from decimal import Decimal

DEFAULT_PERCENTAGE = Decimal(1)
MAX_PERCENTAGE = Decimal(10)


@dataclass(frozen=True, slots=True)
class Reserve:
    """The percentage of net liquidation to keep, and a warning when it is not the configured one."""

    percentage: Decimal
    warning: str | None = None


def resolve_reserve(configured: Decimal | None) -> Reserve:
    """The configured percentage when it lies in 0..10, else 1; silently so when nothing is configured."""
    if configured is None:
        return Reserve(DEFAULT_PERCENTAGE)
    if configured.is_finite() and 0 <= configured <= MAX_PERCENTAGE:
        return Reserve(configured)
    return Reserve(
        DEFAULT_PERCENTAGE,
        f"reserve of {configured} % is outside of 0 to {MAX_PERCENTAGE} %: {DEFAULT_PERCENTAGE} % is kept instead",
    )
