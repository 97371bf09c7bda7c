"""`rebalancer demo --scenario` as a process: one of each kind of trouble, and names that are wrong."""

from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.e2e


class Deployment(Protocol):
    """See conftest."""

    folder: Path

    async def run(self, *arguments: str, **environment: str) -> tuple[int, str]: ...
    def running_programs(self) -> list[str]: ...


@pytest.mark.parametrize("name", ["reject", "foreign-order", "crash", "market-closed"])
async def test_a_scenario_proves_itself(deployment: Deployment, name: str) -> None:
    """Every claim holds, and nothing stays behind."""
    code, text = await deployment.run("demo", "--scenario", name)

    assert code == 0, text
    assert text.splitlines()[-1] == "as it must be"
    assert "  yes  " in text
    assert "  NO  " not in text
    assert deployment.running_programs() == []
    assert list((deployment.folder / ".data").iterdir()) == []


async def test_the_scenarios_are_listed(deployment: Deployment) -> None:
    """Without starting anything."""
    code, text = await deployment.run("demo", "--list-scenarios")

    assert code == 0
    assert "partial-fill" in text
    assert not (deployment.folder / ".data").exists()


@pytest.mark.parametrize("wrong", [["--scenario", "nonsense"], ["--scenario", "reject", "--keep"]])
async def test_what_does_not_exist_is_refused(deployment: Deployment, wrong: list[str]) -> None:
    """A name that is none, and keeping a scenario running."""
    code, text = await deployment.run("demo", *wrong)

    assert code == 2
    assert "Invalid value" in text
    assert not (deployment.folder / ".data").exists()
