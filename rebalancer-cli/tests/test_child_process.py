"""Processes: their words, their ends, and what a killed run leaves."""

import asyncio
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import psutil
import pytest

from rebalancer_cli.errors import StackFailed
from rebalancer_cli.stack.child_process import ChildProcess, Launcher, base_environment
from rebalancer_cli.stack.leftovers import end_leftovers, forget, remember

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
)
SILENT = "import os, time; os.close(1); time.sleep(60)"
PATIENT = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def heard() -> list[tuple[str, str]]:
    """Every line that any process printed."""
    return []


@pytest.fixture
def launcher(tmp_path: Path, heard: list[tuple[str, str]]) -> Launcher:
    """A launcher with a folder of its own."""
    (tmp_path / "logs").mkdir()
    return Launcher(tmp_path, lambda name, line: heard.append((name, line)))


def run(launcher: Launcher, code: str) -> AbstractAsyncContextManager[ChildProcess]:
    command = [sys.executable, "-c", code]
    return launcher.running("child", command, environment=base_environment(), folder=launcher.data)


def start_orphan() -> psutil.Process:
    """A process whose parent has ended, as after a kill."""
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SILENT!r}]).pid)"
    return psutil.Process(int(subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout))


def records(launcher: Launcher) -> list[str]:
    return [record.name for record in (launcher.data / "processes").glob("*")]


async def test_output_goes_to_log_and_listener(launcher: Launcher, heard: list[tuple[str, str]]) -> None:
    """Both streams are kept, and each line is heard with its process's name."""
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr, flush=True)"
    async with run(launcher, code) as child:
        ended = await child.wait_until_ended()

    assert heard == [("child", "out"), ("child", "err")]
    assert (launcher.data / "logs" / "child.log").read_text() == "out\nerr\n"
    assert "ended with exit code 0" in str(ended)


async def test_a_failure_carries_the_last_words(launcher: Launcher) -> None:
    """What a dying service printed is in the message, with its exit code and the path of the whole log."""
    async with run(launcher, "print('no such account'); raise SystemExit(2)") as child:
        with pytest.raises(StackFailed) as failure:
            await child.line_with("ready", timeout_seconds=30)

    assert str(failure.value) == (
        "child ended with exit code 2. Its last lines:\n  no such account\n"
        f"The whole log is {launcher.data / 'logs' / 'child.log'}"
    )


async def test_a_silent_process_is_not_waited_for_without_end(launcher: Launcher) -> None:
    """Readiness has a deadline."""
    async with run(launcher, PATIENT) as child:
        with pytest.raises(StackFailed, match="was not ready within 0 s"):
            await child.line_with("never", timeout_seconds=0.05)


async def test_nothing_runs_after_the_block(launcher: Launcher) -> None:
    """A process ends with its block, and is taken off the record."""
    async with run(launcher, PATIENT) as child:
        await child.line_with("ready", timeout_seconds=30)
        on_record = records(launcher)

    assert on_record == [str(child.pid)]
    assert not psutil.pid_exists(child.pid)
    assert records(launcher) == []


async def test_an_impatient_end_kills(launcher: Launcher) -> None:
    """Cancelling the stop kills what would not end by itself."""

    async def live() -> None:
        async with run(launcher, STUBBORN) as child:
            await child.line_with("ready", timeout_seconds=30)
            pids.append(child.pid)

    pids: list[int] = []
    living = asyncio.create_task(live())
    while not pids:
        await asyncio.wait({living}, timeout=0.02)
    living.cancel()

    with pytest.raises(asyncio.CancelledError):
        await living
    assert not psutil.pid_exists(pids[0])


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    """A process on record that still runs is ended by the next start."""
    orphan = start_orphan()
    remember(tmp_path, orphan.pid)

    ended = end_leftovers(tmp_path)

    assert len(ended) == 1
    assert f"({orphan.pid})" in ended[0]
    assert not psutil.pid_exists(orphan.pid) or orphan.status() == psutil.STATUS_ZOMBIE
    assert list(tmp_path.glob("processes/*")) == []


async def test_somebody_else_s_process_is_left_alone(launcher: Launcher) -> None:
    """An id that was given anew since does not make a stranger ours; unreadable records are dropped."""
    async with run(launcher, PATIENT) as child:
        record = launcher.data / "processes" / str(child.pid)
        record.write_text(repr(float(record.read_text()) - 100))
        (launcher.data / "processes" / "odd").write_text("odd")

        ended = await asyncio.to_thread(end_leftovers, launcher.data)

        assert ended == []
        assert psutil.pid_exists(child.pid)
    assert records(launcher) == []


def test_a_process_that_is_gone_needs_no_record(tmp_path: Path) -> None:
    """Remembering and forgetting what has ended, or was never there, does nothing."""
    remember(tmp_path, None)
    remember(tmp_path, 2**22 + 1)
    forget(tmp_path, 2**22 + 1)

    assert list(tmp_path.glob("processes/*")) == []


async def test_a_killed_process_is_gone_at_once(launcher: Launcher) -> None:
    """Even one that ignores SIGTERM; its end is told like any other."""
    async with run(launcher, STUBBORN) as child:
        await child.line_with("ready", timeout_seconds=20)
        await child.kill()
        end = await child.wait_until_ended()

    assert "was ended by SIGKILL" in str(end)
    assert not psutil.pid_exists(child.pid)
