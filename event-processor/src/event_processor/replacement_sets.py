"""replacement-sets.yaml: what an account holds in place of symbols that it may not, or does not want to, hold."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from event_processor.errors import AccountMisconfigured
from rebalance_calculator import ReplacementRule, ReplacementSet
from service_runtime.accounts import AccountConfig
from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.yaml_file import read_yaml

ReplacementSets = Mapping[str, ReplacementSet]

_Symbol = Annotated[str, Field(min_length=1, max_length=32)]


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: _Symbol
    target: _Symbol
    scale: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] = Decimal(1)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    replacement_sets: dict[str, tuple[_Rule, ...]] = {}


def load_replacement_sets(path: Path | None) -> ReplacementSets:
    """The sets of the file by name; none when there is no file.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    if path is None:
        return MappingProxyType({})
    try:
        content = _File.model_validate(read_yaml(path) or {})
    except ValidationError as error:
        raise ConfigurationError(list(_problems(error, str(path)))) from error
    return MappingProxyType({name: _to_set(name, rules) for name, rules in content.replacement_sets.items()})


def replacement_set_of(account: AccountConfig, sets: ReplacementSets) -> ReplacementSet | None:
    """The account's set, None when it names none.

    Raises:
        AccountMisconfigured: it names a set that does not exist.
    """
    if account.replacement_set is None:
        return None
    found = sets.get(account.replacement_set)
    if found is None:
        known = ", ".join(sorted(sets)) or "none"
        raise AccountMisconfigured(
            f"account {account.account_id} names the replacement set {account.replacement_set!r}, "
            f"which replacement-sets.yaml does not hold (known: {known})"
        )
    return found


def _to_set(name: str, rules: tuple[_Rule, ...]) -> ReplacementSet:
    return ReplacementSet(name, tuple(ReplacementRule(rule.source, rule.target, rule.scale) for rule in rules))


def _problems(error: ValidationError, origin: str) -> Iterator[ConfigurationProblem]:
    for details in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in details["loc"])
        yield ConfigurationProblem(origin, key, details["msg"])
