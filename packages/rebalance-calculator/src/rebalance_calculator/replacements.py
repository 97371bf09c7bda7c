"""An account's replacement set, applied to the weights once (rule 2 of the plan)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

from rebalance_calculator.errors import ReplacementError
from rebalance_calculator.models import ReplacementRule, ReplacementSet, TargetWeight
from rebalance_calculator.precision import CONTEXT, cut
from rebalance_calculator.weights import normalise_symbol


def apply_replacements(weights: Sequence[TargetWeight], replacement_set: ReplacementSet) -> tuple[TargetWeight, ...]:
    """Weights by symbol after every rule was applied to the published weights, never to each other's results.

    Weight that scales above 1 add is taken from the symbols without a rule, in proportion. Weight that scales below
    1 free stays cash; it does not pay for another rule's excess. Symbols that meet are merged.

    Raises:
        ReplacementError: two rules for one source, a blank symbol, a scale that is not a positive number, or an
            excess that is larger than the weight of all symbols without a rule.
    """
    rules = _by_source(replacement_set)
    with localcontext(CONTEXT):
        replaced = [(rules[item.symbol], item.weight) for item in weights if item.symbol in rules]
        rest = [item for item in weights if item.symbol not in rules]
        excess = sum((weight * max(rule.scale - 1, Decimal(0)) for rule, weight in replaced), Decimal(0))
        shrunk = _shrunk(rest, excess, replacement_set.name)
        return _merged([*shrunk, *(TargetWeight(rule.target, weight * rule.scale) for rule, weight in replaced)])


def _by_source(replacement_set: ReplacementSet) -> Mapping[str, ReplacementRule]:
    rules: dict[str, ReplacementRule] = {}
    for raw in replacement_set.rules:
        rule = _checked(raw, replacement_set.name)
        if rule.source in rules:
            raise ReplacementError(f"replacement set {replacement_set.name}: two rules for source {rule.source}")
        rules[rule.source] = rule
    return rules


def _checked(rule: ReplacementRule, name: str) -> ReplacementRule:
    source, target = normalise_symbol(rule.source), normalise_symbol(rule.target)
    if not source or not target:
        raise ReplacementError(f"replacement set {name}: rule {source or '?'} -> {target or '?'} has a blank symbol")
    if not rule.scale.is_finite() or rule.scale <= 0:
        raise ReplacementError(
            f"replacement set {name}: scale of {source} -> {target} is {rule.scale}, expected a number above 0"
        )
    return ReplacementRule(source, target, rule.scale)


def _shrunk(rest: Sequence[TargetWeight], excess: Decimal, name: str) -> Sequence[TargetWeight]:
    if excess == 0:
        return rest
    total = sum((item.weight for item in rest), Decimal(0))
    if excess > total:
        raise ReplacementError(
            f"replacement set {name}: its scales add a weight of {excess}, "
            f"but the symbols without a rule have only {total} to give"
        )
    return [TargetWeight(item.symbol, cut(item.weight * (total - excess) / total)) for item in rest]


def _merged(weights: Sequence[TargetWeight]) -> tuple[TargetWeight, ...]:
    merged: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item in weights:
        merged[item.symbol] += item.weight
    return tuple(TargetWeight(symbol, weight) for symbol, weight in sorted(merged.items()))
