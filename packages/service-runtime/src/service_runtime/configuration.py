"""Everything that a service is told at start, read in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service_runtime.accounts import Accounts
from service_runtime.accounts_loader import load_accounts
from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.settings import Settings
from service_runtime.settings_loader import load_settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, accounts, and the file of replacement sets if there is one."""

    settings: Settings
    accounts: Accounts
    replacement_sets_file: Path | None


def load_configuration(environ: Mapping[str, str], *, working_directory: Path) -> Configuration:
    """Read `CONFIG_FILE`, `ACCOUNTS_FILE` (required) and find `REPLACEMENT_SETS_FILE`, each relative to the directory.

    Raises:
        ConfigurationError: with the problems of all files together.
    """
    problems: list[ConfigurationProblem] = []
    settings: Settings | None = None
    accounts: Accounts | None = None
    try:
        settings = load_settings(environ, working_directory=working_directory)
    except ConfigurationError as error:
        problems.extend(error.problems)
    try:
        accounts = load_accounts(working_directory / (environ.get("ACCOUNTS_FILE") or "accounts.yaml"))
    except ConfigurationError as error:
        problems.extend(error.problems)
    replacement_sets = _replacement_sets_file(environ, working_directory, problems)
    if settings is None or accounts is None or problems:
        raise ConfigurationError(problems)
    return Configuration(settings, accounts, replacement_sets)


def _replacement_sets_file(
    environ: Mapping[str, str], working_directory: Path, problems: list[ConfigurationProblem]
) -> Path | None:
    """The file of replacement sets: an absent one is fine unless it was named."""
    named = environ.get("REPLACEMENT_SETS_FILE")
    path = working_directory / (named or "replacement-sets.yaml")
    if path.exists():
        return path
    if named:
        problems.append(ConfigurationProblem(str(path), "", "cannot be read: no such file"))
    return None
