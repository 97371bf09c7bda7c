"""Which positions the plan may touch, and which it only reports (rule 3 of the plan)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from broker_connector_base import AccountPosition, AccountSnapshot
from rebalance_calculator.errors import PlanError
from rebalance_calculator.models import TargetWeight
from rebalance_calculator.precision import CONTEXT
from rebalance_calculator.weights import LONGEST_SYMBOL, normalise_symbol


@dataclass(frozen=True, slots=True)
class SplitPositions:
    """An account's positions, parted."""

    managed: Mapping[str, Decimal]
    """Shares by symbol; never zero, negative when short."""
    unmanaged: tuple[AccountPosition, ...]
    """Everything else, by symbol."""


def split_positions(snapshot: AccountSnapshot, excluded: Iterable[str]) -> SplitPositions:
    """Part the positions of an account; empty ones are dropped.

    Raises:
        PlanError: two instruments share a symbol, so that an order could meet the wrong one, or a managed one's is too
            long for any order.
    """
    kept = {normalise_symbol(symbol) for symbol in excluded}
    managed: list[AccountPosition] = []
    unmanaged: list[AccountPosition] = []
    for position in snapshot.positions:
        if position.quantity != 0:
            is_managed = position.is_tradeable and position.symbol not in kept
            (managed if is_managed else unmanaged).append(position)
    _check_symbols(snapshot.account_id, managed)
    return SplitPositions(_shares_by_symbol(managed), tuple(sorted(unmanaged, key=_identity)))


def symbols_to_price(
    snapshot: AccountSnapshot, weights: Iterable[TargetWeight], excluded: Iterable[str]
) -> frozenset[str]:
    """Symbols that a plan needs prices for: targets with a weight and managed positions, without excluded symbols.

    Raises:
        PlanError: as `split_positions` and `tradeable_weights` say.
    """
    kept = tuple(excluded)
    with localcontext(CONTEXT):
        return frozenset(tradeable_weights(weights, kept)) | split_positions(snapshot, kept).managed.keys()


def tradeable_weights(weights: Iterable[TargetWeight], excluded: Iterable[str]) -> Mapping[str, Decimal]:
    """Weights above 0 by symbol, without excluded symbols.

    Raises:
        PlanError: a symbol appears twice, or the weights are not fractions of one whole.
    """
    by_symbol: dict[str, Decimal] = {}
    for item in weights:
        if item.symbol in by_symbol:
            raise PlanError(f"weights: {item.symbol} appears twice")
        by_symbol[item.symbol] = item.weight
    _check_fractions(by_symbol)
    kept = {normalise_symbol(symbol) for symbol in excluded}
    return {symbol: weight for symbol, weight in by_symbol.items() if weight > 0 and symbol not in kept}


def _check_fractions(weights: Mapping[str, Decimal]) -> None:
    for symbol, weight in weights.items():
        if not weight.is_finite() or weight < 0:
            raise PlanError(f"weights: {symbol} has {weight}, expected a number from 0 to 1")
    total = sum(weights.values(), Decimal(0))
    if total > 1:
        raise PlanError(f"weights: they sum to {total}, more than the whole account")


def _check_symbols(account_id: str, positions: Iterable[AccountPosition]) -> None:
    """Refuse what no order could name: its reference holds the symbol and has an end."""
    for symbol in sorted(position.symbol for position in positions):
        if len(symbol) > LONGEST_SYMBOL:
            raise PlanError(
                f"positions: account {account_id} holds {symbol!a}, a symbol of {len(symbol)} characters where at most "
                f"{LONGEST_SYMBOL} can be ordered; close the position by hand, or exclude the symbol"
            )


def _shares_by_symbol(positions: Iterable[AccountPosition]) -> Mapping[str, Decimal]:
    shares: dict[str, Decimal] = {}
    contracts: dict[str, str] = {}
    for position in positions:
        contract = contracts.setdefault(position.symbol, position.contract_id)
        if contract != position.contract_id:
            raise PlanError(
                f"positions: {position.symbol} stands for contracts {contract} and {position.contract_id}; "
                "exclude the symbol or close one of them"
            )
        shares[position.symbol] = shares.get(position.symbol, Decimal(0)) + position.quantity
    return {symbol: quantity for symbol, quantity in shares.items() if quantity != 0}


def _identity(position: AccountPosition) -> tuple[str, str, Decimal]:
    return position.symbol, position.contract_id, position.quantity
