"""What the reader of a plan should know besides its trades."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from rebalance_calculator.limits import TradeLimits
from rebalance_calculator.models import EquityInfo, TargetPosition, TargetWeight, Trade
from rebalance_calculator.precision import shares_to_trade
from rebalance_calculator.sizing import Sizes
from rebalance_calculator.wishes import Limit, Wish, sellable
from rebalance_calculator.wording import (
    below_one_share,
    cut_order,
    excluded_target,
    nothing_to_invest,
    scaled_down,
    short_of_cash,
    too_small_a_trade,
    within_drift_band,
)


def about_weights(published: Iterable[TargetWeight], tradeable: Mapping[str, Decimal]) -> Iterator[str]:
    """Targets that the account excludes."""
    for item in sorted(published, key=lambda item: item.symbol):
        if item.weight > 0 and item.symbol not in tradeable:
            yield excluded_target(item.symbol, item.weight)


def about_equity(equity: EquityInfo) -> Iterator[str]:
    """An account with nothing to invest."""
    if equity.available_for_trading == 0:
        yield nothing_to_invest(equity)


def about_limits(sized: Sizes, trades: Iterable[Trade], limits: TradeLimits) -> Iterator[str]:
    """What the limits left undone."""
    if sized.ceilings is not None:
        yield scaled_down(sized.turnover, limits, sum((trade.market_value for trade in trades), Decimal(0)))
    kept = [item.target.symbol for item in sized.wishes if item.limit is Limit.DRIFT_BAND_PERCENT]
    if kept:
        yield within_drift_band(kept, limits)
    for item in sized.wishes:
        if item.limit is Limit.MIN_TRADE_VALUE or item.target.symbol in sized.too_small:
            yield too_small_a_trade(item.target.symbol, limits)
        elif item.limit is Limit.MAX_ORDER_VALUE:
            yield cut_order(item, limits, _nearest(item) - abs(item.shares))


def about_buys(targets: Sequence[TargetPosition], sized: Sizes, *, with_proceeds: bool) -> Iterator[str]:
    """Targets below one share, and targets that stay a whole share or more out of the cash's reach."""
    for target in targets:
        if 0 < target.target_quantity < 1 and target.held + sized.buys.get(target.symbol, 0) < 1:
            yield below_one_share(target)
    missed = [item.target.symbol for item in sized.wishes if item.quantity - sized.buys.get(item.target.symbol, 0) >= 1]
    if missed:
        yield short_of_cash(missed, sized.spendable, with_proceeds=with_proceeds)


def _nearest(item: Wish) -> int:
    return sellable(item.target) if item.target.difference < 0 else shares_to_trade(item.target.difference)
