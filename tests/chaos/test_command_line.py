"""What `make chaos` says at the end: its exit code, its one line, and the report with the seed of every failure."""

import os
import re
from pathlib import Path

import pytest

from chaos.__main__ import main
from chaos.mutants.bugs import BUGS
from chaos.mutants.product_copy import copy_with

pytestmark = pytest.mark.integration

SEED = 300
"""Of two trials of the queue that a sound product passes."""
MOST_REPEATS = 3
"""A seed does not fix how the machine shares its time: where nobody waits in line, there is no wrong place in it."""
FRONT = next(bug for bug in BUGS if bug.name == "requeue to the front")
"""Shows wherever an attempt fails, which is in every trial."""


def run(trials: int, seed: int, report: Path) -> int:
    given = [
        "--trials",
        str(trials),
        "--seed",
        str(seed),
        "--level",
        "queue",
        "--without-bugs",
        "--report",
        str(report),
    ]
    return main(given)


def test_a_run_without_violations_ends_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Zero, with one line of figures and the place of the report."""
    code = run(2, SEED, tmp_path)

    line, place = capsys.readouterr().out.splitlines()
    assert code == 0
    assert line.startswith("2 trials")
    assert "0 trials with violations" in line
    assert "No violation." in Path(place).read_text("utf-8")


def test_a_violation_fails_the_run_and_its_seed_tells_it_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a product with a known bug the exit code is 1, and the trial of the seed that the report names fails too."""
    with copy_with(FRONT) as folders:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")]))

        code = run(2, SEED, tmp_path)

        told = capsys.readouterr()
        assert code == 1
        violation = re.search(r"VIOLATION queue seed (\d+): I4", told.err)
        assert violation
        seed = int(violation[1])
        assert f"make chaos TRIALS=1 SEED={seed} LEVEL=queue" in Path(told.out.splitlines()[1]).read_text("utf-8")
        assert any(run(1, seed, tmp_path / "again") == 1 for _ in range(MOST_REPEATS))
