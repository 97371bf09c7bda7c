"""How much of an account may be invested (rule 4 of the plan)."""

from collections.abc import Mapping
from decimal import Decimal

from broker_connector_base import AccountSnapshot
from rebalance_calculator.models import EquityInfo
from rebalance_calculator.positions import SplitPositions

_ZERO = Decimal(0)


def measure_equity(
    snapshot: AccountSnapshot, positions: SplitPositions, prices: Mapping[str, Decimal], reserve_percentage: Decimal
) -> EquityInfo:
    """Part net liquidation into reserve, unmanaged value and what is left to invest, which is never negative.

    Args:
        snapshot: the account.
        positions: its positions, split.
        prices: US dollars per share, at least of every managed position.
        reserve_percentage: percent of net liquidation, 0..10.
    """
    total = snapshot.net_liquidation
    reserve = max(total, _ZERO) * reserve_percentage / 100
    unmanaged = _unmanaged_value(snapshot, positions, prices)
    return EquityInfo(
        total_equity=total,
        reserve_percentage=reserve_percentage,
        reserve_amount=reserve,
        unmanaged_value=unmanaged,
        available_for_trading=max(total - reserve - unmanaged, _ZERO),
    )


def _unmanaged_value(snapshot: AccountSnapshot, positions: SplitPositions, prices: Mapping[str, Decimal]) -> Decimal:
    """Foreign cash, and whatever cash and managed positions leave of net liquidation to the unmanaged ones.

    Unmanaged positions come without prices. Without any, a difference is only the brokerage's other marks and
    accruals, which belong to the account's investable value.
    """
    if not positions.unmanaged:
        return snapshot.other_cash
    managed = sum((quantity * prices[symbol] for symbol, quantity in positions.managed.items()), _ZERO)
    return snapshot.net_liquidation - snapshot.cash - managed
