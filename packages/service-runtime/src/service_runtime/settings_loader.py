"""Settings from the environment, over config.yaml, over the defaults of the code; everything wrong is told at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.settings import SECTIONS, Settings
from service_runtime.substitution import VariableNotSet, substitute
from service_runtime.validation_problems import is_secret, reason_of
from service_runtime.variables import SettingPath, known_variables
from service_runtime.yaml_file import read_yaml

ENVIRONMENT = "environment"
_TRUTH_VALUE = "should not be a truth value; YAML reads yes, no, on and off as such: put a text in quotes"
"""pydantic would take `true` for the number 1."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value that somebody gave, and where."""

    value: object
    origin: str
    name: str


def load_settings(environ: Mapping[str, str], *, working_directory: Path) -> Settings:
    """All settings. `CONFIG_FILE` names the file (default `config.yaml`, which may then be absent).

    Empty variables and empty keys count as absent; unknown keys of the file are refused, unknown variables ignored.

    Raises:
        ConfigurationError: with every problem of the file and the environment.
    """
    problems: list[ConfigurationProblem] = []
    given = _from_file(environ, working_directory, problems)
    given |= _from_environment(environ, problems)
    settings = _validate(given, problems)
    if settings is None or problems:
        raise ConfigurationError(problems)
    return settings


def _from_file(
    environ: Mapping[str, str], working_directory: Path, problems: list[ConfigurationProblem]
) -> dict[SettingPath, _Given]:
    named = environ.get("CONFIG_FILE")
    path = working_directory / (named or "config.yaml")
    if not named and not path.exists():
        return {}
    try:
        content = read_yaml(path)
    except ConfigurationError as error:
        problems.extend(error.problems)
        return {}
    given: dict[SettingPath, _Given] = {}
    for section, key, raw in _entries(content, str(path), problems):
        name = f"{section}.{key}"
        try:
            value = substitute(raw, environ)
        except VariableNotSet as missing:
            reason = f"refers to ${{{missing.args[0]}}}, which is not set"
            problems.append(ConfigurationProblem(str(path), name, reason))
            continue
        if isinstance(value, bool) and SECTIONS[section].model_fields[key].annotation is not bool:
            problems.append(ConfigurationProblem(str(path), name, _TRUTH_VALUE))
        elif value is not None and value != "":
            given[section, key] = _Given(value, str(path), name)
    return given


def _entries(content: object, origin: str, problems: list[ConfigurationProblem]) -> Iterator[tuple[str, str, object]]:
    """Section, key and value of each known key of the file; the others become problems."""
    sections = _mapping(content, origin, "", problems)
    for section, keys in sections.items():
        if section not in SECTIONS:
            problems.append(_unknown(origin, section, section, SECTIONS))
            continue
        fields = SECTIONS[section].model_fields
        for key, value in _mapping(keys, origin, section, problems).items():
            if key in fields:
                yield section, key, value
            else:
                problems.append(_unknown(origin, f"{section}.{key}", key, fields))


def _mapping(content: object, origin: str, key: str, problems: list[ConfigurationProblem]) -> Mapping[str, object]:
    if content is None:
        return {}
    if isinstance(content, dict):
        return {str(name): value for name, value in cast("dict[object, object]", content).items()}
    problems.append(ConfigurationProblem(origin, key, "should be a mapping of keys to values"))
    return {}


def _unknown(origin: str, path: str, name: str, known: Mapping[str, Any]) -> ConfigurationProblem:
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return ConfigurationProblem(origin, path, f"unknown; {hint}")


def _from_environment(environ: Mapping[str, str], problems: list[ConfigurationProblem]) -> dict[SettingPath, _Given]:
    """What the environment sets; two names of one setting may both be there as long as they agree."""
    given: dict[SettingPath, _Given] = {}
    for name, path in known_variables().items():
        value = environ.get(name)
        if not value:
            continue
        earlier = given.setdefault(path, _Given(value, ENVIRONMENT, name))
        if earlier.value != value:
            reason = f"differs from {earlier.name}, which sets the same thing; set only one of the two"
            problems.append(ConfigurationProblem(ENVIRONMENT, name, reason))
    return given


def _validate(given: Mapping[SettingPath, _Given], problems: list[ConfigurationProblem]) -> Settings | None:
    values: dict[str, dict[str, object]] = {}
    for (section, key), item in given.items():
        values.setdefault(section, {})[key] = item.value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        problems.extend(_problem(details, given) for details in error.errors(include_url=False))
        return None


def _problem(details: ErrorDetails, given: Mapping[SettingPath, _Given]) -> ConfigurationProblem:
    section, key = str(details["loc"][0]), str(details["loc"][1])
    item = given[section, key]
    return ConfigurationProblem(item.origin, item.name, reason_of(details, secret=is_secret(SECTIONS[section], key)))
