"""All files together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service_runtime.configuration import load_configuration
from service_runtime.errors import ConfigurationError

Write = Callable[[str, str], Path]


def test_files_are_found_in_the_working_directory(tmp_path: Path, write: Write) -> None:
    """By their default names."""
    write("accounts.yaml", "- {account_id: DU1, notification: {channel: c}}")
    write("config.yaml", "redis: {db: 4}")
    sets = write("replacement-sets.yaml", "ira: {}")

    configuration = load_configuration({}, working_directory=tmp_path)

    assert list(configuration.accounts.by_id) == ["DU1"]
    assert configuration.settings.redis.db == 4
    assert configuration.replacement_sets_file == sets


def test_files_can_be_named(tmp_path: Path, write: Write) -> None:
    """Each by its variable."""
    write("a.yaml", "[]")
    sets = write("r.yaml", "")

    environ = {"ACCOUNTS_FILE": "a.yaml", "REPLACEMENT_SETS_FILE": str(sets)}
    configuration = load_configuration(environ, working_directory=tmp_path)

    assert configuration.replacement_sets_file == sets


def test_replacement_sets_are_optional_unless_named(tmp_path: Path, write: Write) -> None:
    """Nobody has to use them."""
    write("accounts.yaml", "[]")

    assert load_configuration({}, working_directory=tmp_path).replacement_sets_file is None
    with pytest.raises(ConfigurationError, match=r"r\.yaml: cannot be read"):
        load_configuration({"REPLACEMENT_SETS_FILE": "r.yaml"}, working_directory=tmp_path)


def test_the_faults_of_all_files_are_told_together(tmp_path: Path, write: Write) -> None:
    """One start shows everything."""
    write("config.yaml", "redis: {port: x}")

    with pytest.raises(ConfigurationError) as caught:
        load_configuration({"REPLACEMENT_SETS_FILE": "r.yaml"}, working_directory=tmp_path)

    assert [problem.origin.rpartition("/")[2] for problem in caught.value.problems] == [
        "config.yaml",
        "accounts.yaml",
        "r.yaml",
    ]
