"""The plan's own words: reasons of trades, and warnings. Amounts are rounded here, for reading only."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from rebalance_calculator.models import EquityInfo, TargetPosition

_CENT = Decimal("0.01")


def sell_reason(target: TargetPosition, quantity: int) -> str:
    """Why shares are sold."""
    if target.weight == 0:
        return f"no longer a target: held {shares(target.held)}, sell {quantity}"
    return f"{_position(target)}: sell {quantity}"


def buy_reason(target: TargetPosition, quantity: int, nearest: int) -> str:
    """Why shares are bought, and why fewer than the nearest whole number when cash did not allow more."""
    ending_short = ", which ends the short position" if target.held < 0 <= target.held + quantity else ""
    limited = f" ({nearest} would be nearest), as cash allows" if quantity < nearest else ""
    return f"{_position(target)}: buy {quantity}{ending_short}{limited}"


def excluded_target(symbol: str, weight: Decimal) -> str:
    """A symbol is both published and excluded."""
    return f"{symbol} is a target and excluded: it is not traded, and its weight of {percent(weight)} is not invested"


def nothing_to_invest(equity: EquityInfo) -> str:
    """Reserve and unmanaged positions take all of the account."""
    return (
        f"nothing is investable: net liquidation {money(equity.total_equity)}, "
        f"reserve {money(equity.reserve_amount)}, unmanaged {money(equity.unmanaged_value)}; every target is 0"
    )


def below_one_share(target: TargetPosition) -> str:
    """A weight buys less than a share."""
    value = target.target_quantity * target.price
    return f"{target.symbol}: the target of {money(value)} is less than one share at {money(target.price)}"


def short_of_cash(symbols: Iterable[str], spendable: Decimal) -> str:
    """Cash does not reach the targets."""
    return f"cash is short: {', '.join(symbols)} stay below target; spendable after sells {money(spendable)}"


def shares(quantity: Decimal) -> str:
    """A quantity with at most four decimals, without trailing zeros."""
    text = f"{quantity.quantize(Decimal('0.0001'), rounding=ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".")


def money(amount: Decimal) -> str:
    """US dollars and cents."""
    return f"{amount.quantize(_CENT, rounding=ROUND_HALF_EVEN):,f} USD"


def percent(weight: Decimal) -> str:
    """A weight in percent, two decimals."""
    return f"{(weight * 100).quantize(_CENT, rounding=ROUND_HALF_EVEN):f} %"


def _position(target: TargetPosition) -> str:
    return (
        f"target {percent(target.weight)} is {shares(target.target_quantity)} shares "
        f"at {money(target.price)}, held {shares(target.held)}"
    )
