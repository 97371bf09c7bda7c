"""The project's folder as the command line reads it: .env and the environment, config.yaml, accounts.yaml, init.sql."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import yaml
from dotenv import dotenv_values

from rebalancer_cli.errors import ProjectIncomplete

_MARK = "init.sql"
_DEFAULT_PORT = "8000"
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, never bound to


@dataclass(frozen=True, slots=True)
class Project:
    """One deployment's files and settings."""

    folder: Path
    environment: Mapping[str, str]
    """The environment over .env; what is empty in either counts as not set."""

    @classmethod
    def find(cls, start: Path, environ: Mapping[str, str]) -> Self | None:
        """The project that `start` lies in: the nearest folder upwards with an init.sql."""
        for folder in (start, *start.parents):
            if (folder / _MARK).is_file():
                from_file = dotenv_values(folder / ".env")
                return cls(folder, {**_set_only(from_file), **_set_only(environ)})
        return None

    @classmethod
    def require(cls, start: Path, environ: Mapping[str, str]) -> Self:
        """The project that `start` lies in.

        Raises:
            ProjectIncomplete: there is none.
        """
        found = cls.find(start, environ)
        if found is None:
            raise ProjectIncomplete(f"there is no {_MARK} in {start} or above: run this in the project's folder")
        return found

    @property
    def data(self) -> Path:
        """Everything that running it here leaves behind."""
        return self.folder / ".data"

    @property
    def key_file(self) -> Path:
        """Where the first start puts the API key that it makes."""
        return self.data / "management-api-key"

    @property
    def schema(self) -> str:
        """The tables of the history, as SQL."""
        return _read(self.folder / _MARK)

    @property
    def management_host(self) -> str:
        """Where the management service listens, as somebody on this machine reaches it."""
        host = self.setting("management", "host") or "127.0.0.1"
        return "127.0.0.1" if host in _EVERYWHERE else host

    @property
    def management_port(self) -> int:
        """The port of the HTTP API.

        Raises:
            ProjectIncomplete: it is not a number.
        """
        port = self.setting("management", "port") or _DEFAULT_PORT
        if not port.isdecimal():
            raise ProjectIncomplete(f"management.port (MANAGEMENT_PORT) is not a port: {port!r}")
        return int(port)

    def setting(self, section: str, key: str) -> str | None:
        """A setting by its variable or from config.yaml, where `${...}` counts as not set."""
        given = self.environment.get(f"{section}_{key}".upper())
        if given:
            return given
        sections = _yaml(self.folder / (self.environment.get("CONFIG_FILE") or "config.yaml"), missing={})
        value = (_mapping(_mapping(sections).get(section))).get(key)
        return None if value is None or str(value).startswith("${") else str(value)

    def accounts(self) -> list[Mapping[str, Any]]:
        """The entries of accounts.yaml, unchecked.

        Raises:
            ProjectIncomplete: there is no such file, or it holds no list.
        """
        path = self.folder / (self.environment.get("ACCOUNTS_FILE") or "accounts.yaml")
        entries: object = _yaml(path) or []
        if not isinstance(entries, list):
            raise ProjectIncomplete(f"{path} does not hold a list of accounts")
        return [_mapping(entry) for entry in cast("list[Any]", entries)]


def _set_only(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value}


def _yaml(path: Path, *, missing: Any = None) -> Any:
    if missing is not None and not path.exists():
        return missing
    try:
        return yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise ProjectIncomplete(f"{path} is not YAML: {error}") from error


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectIncomplete(f"cannot read {path}: {error}") from error
