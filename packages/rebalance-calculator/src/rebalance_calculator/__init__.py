"""Pure rebalancing maths on Decimal: weights, replacements, reserve, targets, trades. No I/O, no clock, no logging."""

from rebalance_calculator.errors import AllocationError, CalculationError, PlanError, ReplacementError
from rebalance_calculator.limits import TradeLimits
from rebalance_calculator.models import (
    Allocation,
    EquityInfo,
    PlanInputs,
    RebalancePlan,
    ReplacementRule,
    ReplacementSet,
    Residue,
    TargetPosition,
    TargetWeight,
    Trade,
)
from rebalance_calculator.planner import plan_buys, plan_rebalance
from rebalance_calculator.positions import symbols_to_price, tradeable_weights
from rebalance_calculator.replacements import apply_replacements
from rebalance_calculator.reserve import Reserve, resolve_reserve
from rebalance_calculator.weights import validate_allocations

__all__ = [
    "Allocation",
    "AllocationError",
    "CalculationError",
    "EquityInfo",
    "PlanError",
    "PlanInputs",
    "RebalancePlan",
    "ReplacementError",
    "ReplacementRule",
    "ReplacementSet",
    "Reserve",
    "Residue",
    "TargetPosition",
    "TargetWeight",
    "Trade",
    "TradeLimits",
    "apply_replacements",
    "plan_buys",
    "plan_rebalance",
    "resolve_reserve",
    "symbols_to_price",
    "tradeable_weights",
    "validate_allocations",
]
