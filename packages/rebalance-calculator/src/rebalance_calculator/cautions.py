"""What the reader of a plan should know besides its trades."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from rebalance_calculator.models import EquityInfo, TargetPosition, TargetWeight, Trade
from rebalance_calculator.wording import below_one_share, excluded_target, nothing_to_invest, short_of_cash


def about_weights(published: Iterable[TargetWeight], tradeable: Mapping[str, Decimal]) -> Iterator[str]:
    """Targets that the account excludes."""
    for item in sorted(published, key=lambda item: item.symbol):
        if item.weight > 0 and item.symbol not in tradeable:
            yield excluded_target(item.symbol, item.weight)


def about_equity(equity: EquityInfo) -> Iterator[str]:
    """An account with nothing to invest."""
    if equity.available_for_trading == 0:
        yield nothing_to_invest(equity)


def about_buys(targets: Sequence[TargetPosition], buys: Sequence[Trade], spendable: Decimal) -> Iterator[str]:
    """Targets below one share, and targets that stay a whole share or more out of the cash's reach."""
    bought = {trade.symbol: trade.quantity for trade in buys}
    for target in targets:
        if 0 < target.target_quantity < 1 and target.held + bought.get(target.symbol, 0) < 1:
            yield below_one_share(target)
    missed = [target.symbol for target in targets if target.difference - bought.get(target.symbol, 0) >= 1]
    if missed:
        yield short_of_cash(missed, spendable)
