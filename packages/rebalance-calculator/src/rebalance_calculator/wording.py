"""The plan's own words: reasons of trades, and warnings. Amounts are rounded here, for reading only."""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

from rebalance_calculator.limits import TradeLimits
from rebalance_calculator.models import EquityInfo, TargetPosition
from rebalance_calculator.wishes import Wish

_CENT = Decimal("0.01")


def sell_reason(item: Wish, quantity: int, nearest: int) -> str:
    """Why shares are sold, and why fewer than the nearest whole number when a limit did not allow more."""
    target = item.target
    limited = f" ({nearest} would be nearest), as {item.limit} allows" if item.limit and quantity < nearest else ""
    if target.weight == 0:
        return f"no longer a target: held {shares(target.held)}, sell {quantity}{limited}"
    return f"{_position(target)}: sell {quantity}{limited}"


def buy_reason(item: Wish, quantity: int, nearest: int) -> str:
    """Why shares are bought, and why fewer than the nearest whole number when cash or a limit did not allow more."""
    target = item.target
    ending_short = ", which ends the short position" if target.held < 0 <= target.held + quantity else ""
    bound = item.limit if item.limit and quantity == item.shares else "cash"
    limited = f" ({nearest} would be nearest), as {bound} allows" if quantity < nearest else ""
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


def short_of_cash(symbols: Iterable[str], spendable: Decimal, *, with_proceeds: bool) -> str:
    """Cash does not reach the targets."""
    moment = "after sells" if with_proceeds else "without the proceeds of sells"
    return f"cash is short: {', '.join(symbols)} stay below target; spendable {moment} {money(spendable)}"


def within_drift_band(symbols: Iterable[str], limits: TradeLimits) -> str:
    """Positions that are near enough to their targets."""
    band = shares(limits.drift_band_percent or Decimal(0))
    return f"drift_band_percent {band}: {', '.join(symbols)} are within it and stay as they are"


def too_small_a_trade(symbol: str, limits: TradeLimits) -> str:
    """A trade is not worth sending."""
    least = money(limits.min_trade_value or Decimal(0))
    return f"{symbol}: not traded, as the order would be worth less than min_trade_value {least}"


def cut_order(item: Wish, limits: TradeLimits, left: int) -> str:
    """An order is cut to the largest that is allowed."""
    most, cut = money(limits.max_order_value or Decimal(0)), abs(item.shares)
    return f"{item.target.symbol}: the order is cut to {cut} shares by max_order_value {most}; {left} are left to trade"


def scaled_down(turnover: Decimal, limits: TradeLimits, kept: Decimal) -> str:
    """All trades are scaled down."""
    most = shares(limits.max_turnover_percent or Decimal(0))
    return f"max_turnover_percent {most}: trades of {money(turnover)} are scaled down to {money(kept)}"


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
