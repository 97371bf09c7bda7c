"""`rebalancer demo` as a process."""

from pathlib import Path
from typing import Protocol

import pytest

pytestmark = pytest.mark.e2e


class Deployment(Protocol):
    """See conftest."""

    folder: Path

    async def run(self, *arguments: str, **environment: str) -> tuple[int, str]: ...
    def running_programs(self) -> list[str]: ...


async def test_the_demonstration_proves_itself(deployment: Deployment) -> None:
    """Two accounts arrive, a third is left alone, every part is well, and nothing stays behind."""
    code, text = await deployment.run("demo")

    assert code == 0, text
    lines = text.splitlines()
    assert lines.count("arrived") == 2
    assert lines.count("untouched, as a preview must") == 1
    for part in ("redis", "postgres", "ably", "gateway", "worker", "relay"):
        assert any(line.split()[:2] == [part, "ok"] for line in lines), part
    for words in ("DU1000001  order sent: ", "orders and fills", "orders that a live run would send", "audit trail of"):
        assert words in text
    assert "\x1b[" not in text
    assert deployment.running_programs() == []
    assert list((deployment.folder / ".data").iterdir()) == []
    assert not (deployment.folder / "data").exists()
