"""Trades with their reasons, from whole shares."""

from collections.abc import Iterable, Mapping, Sequence

from broker_connector_base import Side
from rebalance_calculator.models import Residue, TargetPosition, Trade
from rebalance_calculator.precision import shares_to_trade
from rebalance_calculator.wishes import Wish, sellable
from rebalance_calculator.wording import buy_reason, sell_reason


def sell_trades(items: Sequence[Wish], quantities: Mapping[str, int]) -> tuple[Trade, ...]:
    """Sells, by symbol."""
    return tuple(
        _trade(item.target, Side.SELL, quantity, sell_reason(item, quantity, sellable(item.target)))
        for item in items
        if (quantity := quantities.get(item.target.symbol, 0)) > 0
    )


def buy_trades(items: Sequence[Wish], quantities: Mapping[str, int]) -> tuple[Trade, ...]:
    """Buys, by symbol."""
    return tuple(
        _trade(item.target, Side.BUY, quantity, buy_reason(item, quantity, shares_to_trade(item.target.difference)))
        for item in items
        if (quantity := quantities.get(item.target.symbol, 0)) > 0
    )


def residues(targets: Iterable[TargetPosition]) -> tuple[Residue, ...]:
    """Fractions of a share that should go but that no whole-share sell can move."""
    return tuple(
        Residue(symbol=target.symbol, quantity=fraction)
        for target in targets
        if (fraction := target.held % 1) > 0 and _is_stuck(target)
    )


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
