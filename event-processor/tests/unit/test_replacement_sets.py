"""replacement-sets.yaml."""

from decimal import Decimal
from pathlib import Path

import pytest

from event_processor.errors import AccountMisconfigured
from event_processor.replacement_sets import load_replacement_sets, replacement_set_of
from event_processor.testing.worker_world import account_config
from rebalance_calculator import ReplacementRule
from service_runtime.errors import ConfigurationError


def _write(folder: Path, text: str) -> Path:
    path = folder / "replacement-sets.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_sets_are_read_with_exact_scales(tmp_path: Path) -> None:
    """1.5 in the file is 1.5, and an absent scale is 1."""
    path = _write(
        tmp_path, "replacement_sets:\n  ira:\n    - {source: A, target: B, scale: 1.1}\n    - {source: C, target: D}\n"
    )

    sets = load_replacement_sets(path)

    assert sets["ira"].rules == (ReplacementRule("A", "B", Decimal("1.1")), ReplacementRule("C", "D", Decimal(1)))


@pytest.mark.parametrize("text", ["", "replacement_sets: {}\n"])
def test_an_empty_file_has_no_sets(tmp_path: Path, text: str) -> None:
    """As if it were absent."""
    assert load_replacement_sets(_write(tmp_path, text)) == load_replacement_sets(None) == {}


@pytest.mark.parametrize(
    "rule",
    [
        "{source: A}",
        "{source: A, target: B, scale: 0}",
        "{source: A, target: B, scale: -1}",
        "{source: '', target: B}",
        "{source: A, target: B, scale: .nan}",
        "{source: A, target: B, factor: 2}",
        "A",
    ],
)
def test_a_wrong_rule_is_refused_at_start(tmp_path: Path, rule: str) -> None:
    """With the file and the place in it."""
    path = _write(tmp_path, f"replacement_sets:\n  ira:\n    - {rule}\n")

    with pytest.raises(ConfigurationError, match=r"replacement-sets\.yaml: replacement_sets\.ira\.0"):
        load_replacement_sets(path)


def test_an_account_without_a_set_keeps_the_published_weights() -> None:
    """No set is no error."""
    assert replacement_set_of(account_config("DU1"), {}) is None


def test_an_unknown_name_is_the_accounts_error(tmp_path: Path) -> None:
    """It is never silently ignored: the account would buy what it may not hold."""
    sets = load_replacement_sets(_write(tmp_path, "replacement_sets: {ira: []}\n"))
    account = account_config("DU1").model_copy(update={"replacement_set": "roth"})

    with pytest.raises(AccountMisconfigured, match=r"DU1 names the replacement set 'roth'.*known: ira"):
        replacement_set_of(account, sets)


def test_the_shipped_file_is_read(pytestconfig: pytest.Config) -> None:
    """What comes with the project is valid."""
    sets = load_replacement_sets(pytestconfig.rootpath / "replacement-sets.yaml")

    assert {rule.source for rule in sets["ira"].rules} == {"UVXY", "VIXY"}
