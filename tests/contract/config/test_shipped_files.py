"""config.yaml, accounts.yaml and .env.example say what the code knows: nothing more, nothing less, nothing else."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from pydantic import SecretStr

from service_runtime.accounts_loader import load_accounts
from service_runtime.settings import SECTIONS, Settings
from service_runtime.settings_loader import load_settings
from service_runtime.variables import FILE_VARIABLES, known_variables

ROOT = Path(__file__).parents[3]
VARIABLE = re.compile(r"^(?:# )?(?P<name>[A-Z][A-Z0-9_]+)=(?P<value>.*)$")
COMPOSE_ONLY = {"IB_USERNAME", "IB_PASSWORD", "READ_ONLY_API", "VNC_PASSWORD"}


@pytest.fixture(scope="module")
def config() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def example_variables() -> list[tuple[str, str]]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return [(found["name"], found["value"]) for line in lines if (found := VARIABLE.match(line))]


def test_config_yaml_has_every_setting_and_no_other(config: dict[str, dict[str, Any]]) -> None:
    """Each section and key of the settings stands in config.yaml, in the same order."""
    written = {section: list(keys) for section, keys in config.items()}

    assert written == {name: list(model.model_fields) for name, model in SECTIONS.items()}


def test_config_yaml_ships_the_defaults(tmp_path: Path) -> None:
    """Loading the shipped file gives the same settings as having no file at all."""
    (tmp_path / "config.yaml").write_text((ROOT / "config.yaml").read_text(encoding="utf-8"), encoding="utf-8")

    assert load_settings({}, working_directory=tmp_path) == Settings()


def test_config_yaml_spells_out_every_plain_default(config: dict[str, dict[str, Any]]) -> None:
    """A key without a value in config.yaml has no default in the code either."""
    for name, model in SECTIONS.items():
        for key, field in model.model_fields.items():
            if field.default is not None:
                assert config[name][key] is not None, f"{name}.{key}"


def test_config_yaml_names_the_variables_of_the_secrets(config: dict[str, dict[str, Any]]) -> None:
    """No key is written into the file; each comes from a variable that sets the same key."""
    references = {
        (section, key): str(value)[2:-1]
        for section, keys in config.items()
        for key, value in keys.items()
        if str(value).startswith("${")
    }

    assert references
    assert all(known_variables()[variable] == path for path, variable in references.items())


def test_env_example_names_only_variables_that_somebody_reads(example_variables: list[tuple[str, str]]) -> None:
    """Each variable is known to the code, or to Compose alone."""
    names = [name for name, _ in example_variables]

    assert len(names) == len(set(names))
    assert set(names) <= {*known_variables(), *FILE_VARIABLES, *COMPOSE_ONLY}


def test_env_example_names_every_setting(example_variables: list[tuple[str, str]]) -> None:
    """Each setting can be found there, under one of its names, as can each file and the gateway's own variables."""
    names = {name for name, _ in example_variables}
    settings = {known_variables()[name] for name in names & set(known_variables())}

    assert settings == set(known_variables().values())
    assert names >= {*FILE_VARIABLES, *COMPOSE_ONLY}


def test_env_example_shows_the_defaults(example_variables: list[tuple[str, str]], tmp_path: Path) -> None:
    """Uncommenting every line changes nothing."""
    environ = {name: value for name, value in example_variables if name not in FILE_VARIABLES}

    assert load_settings(environ, working_directory=tmp_path) == Settings()


def test_env_example_shows_every_plain_default(example_variables: list[tuple[str, str]]) -> None:
    """A variable without a value there has no default in the code either."""
    for name, value in example_variables:
        section, key = known_variables().get(name, ("", ""))
        default: Any = SECTIONS[section].model_fields[key].default if section else None
        assert value or default in (None, "") or not section, name


def test_compose_passes_on_only_known_variables(example_variables: list[tuple[str, str]]) -> None:
    """Whatever docker-compose.yaml takes from .env stands in .env.example."""
    taken = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")))

    assert taken <= {name for name, _ in example_variables}


def test_compose_sets_only_variables_that_the_services_read() -> None:
    """The environment of each of our services holds nothing that the code does not know."""
    compose: Any = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))

    for service in ("event-broker", "event-processor", "management-service"):
        names = set(cast("dict[str, str]", compose["services"][service]["environment"]))
        assert names <= {*known_variables(), *FILE_VARIABLES}, service


def test_accounts_yaml_is_the_documented_example() -> None:
    """The shipped accounts load, and are paper accounts."""
    accounts = load_accounts(ROOT / "accounts.yaml")

    assert list(accounts.by_id) == ["DU123456", "DU789012"]
    assert accounts.channels == ("strategy-name-100", "strategy-name-200")


def test_no_shipped_file_holds_a_secret() -> None:
    """Every secret of the shipped settings is absent, except the password of the local PostgreSQL."""
    settings = load_settings({"CONFIG_FILE": str(ROOT / "config.yaml")}, working_directory=ROOT)
    secrets = {
        (name, key)
        for name, model in SECTIONS.items()
        for key in model.model_fields
        if isinstance(getattr(getattr(settings, name), key), SecretStr)
    }

    assert secrets == {("postgres", "password")}
