"""Whole-share trades from differences between target and holding (rule 5 of the plan)."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from broker_connector_base import Side
from rebalance_calculator.cash_fit import Want, fit_to_cash
from rebalance_calculator.models import Residue, TargetPosition, Trade
from rebalance_calculator.precision import shares_to_trade
from rebalance_calculator.wording import buy_reason, sell_reason

_ZERO = Decimal(0)


def sell_trades(targets: Iterable[TargetPosition]) -> tuple[Trade, ...]:
    """Sells of what exceeds the targets, never more than the whole shares held."""
    return tuple(
        _trade(target, Side.SELL, quantity, sell_reason(target, quantity))
        for target in targets
        if (quantity := _sellable(target)) > 0
    )


def buy_trades(targets: Sequence[TargetPosition], spendable: Decimal) -> tuple[Trade, ...]:
    """Buys of what the targets miss, and of shorts, that cost no more than `spendable` together."""
    wants = [Want(target.symbol, target.price, target.difference) for target in targets]
    quantities = fit_to_cash(wants, spendable)
    return tuple(
        _trade(target, Side.BUY, quantity, buy_reason(target, quantity, shares_to_trade(target.difference)))
        for target in targets
        if (quantity := quantities.get(target.symbol, 0)) > 0
    )


def total_value(trades: Iterable[Trade]) -> Decimal:
    """US dollars of all trades at plan prices."""
    return sum((trade.market_value for trade in trades), _ZERO)


def residues(targets: Iterable[TargetPosition]) -> tuple[Residue, ...]:
    """Fractions of a share that should go but that no whole-share sell can move."""
    return tuple(
        Residue(symbol=target.symbol, quantity=fraction)
        for target in targets
        if (fraction := target.held % 1) > 0 and _is_stuck(target)
    )


def _sellable(target: TargetPosition) -> int:
    return min(-shares_to_trade(target.difference), max(int(target.held), 0))


def _is_stuck(target: TargetPosition) -> bool:
    """True when the fraction stays behind for want of a whole share, not because the target asks for it."""
    return target.target_quantity == 0 or -shares_to_trade(target.difference) > int(target.held)


def _trade(target: TargetPosition, side: Side, quantity: int, reason: str) -> Trade:
    return Trade(
        symbol=target.symbol,
        side=side,
        quantity=quantity,
        price=target.price,
        market_value=quantity * target.price,
        reason=reason,
    )
