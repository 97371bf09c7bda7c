"""A service as a process: signals, exit codes, and what is printed when the configuration is wrong."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str], Path]

PREAMBLE = """
import asyncio, os, sys
from pathlib import Path
from service_runtime.errors import ConfigurationError, ConfigurationProblem
from service_runtime.lifecycle import ServiceContext, run_service

async def for_ever():
    await asyncio.Event().wait()

async def fail():
    raise ValueError("broken")

def say(word):
    print(word, file=sys.stderr, flush=True)

async def serve(context):
"""
ENDING = """
sys.exit(run_service("demo", serve, environ=os.environ, working_directory=Path.cwd()))
"""


@pytest.fixture
def launch(tmp_path: Path, write: Write) -> Callable[..., "subprocess.Popen[str]"]:
    """Start a service whose `serve` has the given body, in a directory with an empty accounts.yaml."""
    write("accounts.yaml", "[]")

    def start(body: str, **environ: str) -> "subprocess.Popen[str]":
        program = PREAMBLE + textwrap.indent(textwrap.dedent(body), "    ") + ENDING
        return subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


Launch = Callable[..., "subprocess.Popen[str]"]


def wait_for(process: "subprocess.Popen[str]", word: str) -> None:
    """Read what the process says until it says the word."""
    assert process.stderr is not None
    assert process.stderr.readline().strip() == word


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_service_in_good_order(launch: Launch, number: signal.Signals) -> None:
    """Tasks end, what they used is closed after them, and the exit code is 0."""
    process = launch("""
        async def polite():
            say("ready")
            await context.stopping.wait()
            say("task ends")
        context.run("polite", polite)
        await context.run_until_stopped()
        say("closed")
    """)
    wait_for(process, "ready")

    process.send_signal(number)
    log, said = process.communicate(timeout=20)

    assert process.returncode == 0
    assert said.split("\n") == ["task ends", "closed", ""]
    assert '"event": "service_stopped"' in log


def test_a_failed_task_ends_the_service_with_1(launch: Launch) -> None:
    """What happened is in the log, once, with its traceback."""
    process = launch("""
        context.run("fragile", fail)
        context.run("bystander", for_ever)
        await context.run_until_stopped(grace_seconds=0.1)
    """)

    log, said = process.communicate(timeout=20)

    assert process.returncode == 1
    assert log.count("ValueError: broken") == 1
    assert '"event": "service_failed"' in log
    assert said == ""


def test_a_failed_start_ends_the_service_with_1(launch: Launch) -> None:
    """Before any task runs."""
    process = launch("await fail()")

    log, _ = process.communicate(timeout=20)

    assert process.returncode == 1
    assert '"event": "service_crashed"' in log


def test_a_signal_during_the_start_cancels_it(launch: Launch) -> None:
    """A start that waits for something that never comes does not hold the process."""
    process = launch("""
        say("starting")
        await for_ever()
    """)
    wait_for(process, "starting")

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=20) == 0
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_modules_load_ends_with_0(tmp_path: Path, number: signal.Signals) -> None:
    """Nothing has been touched by then, and nothing is said of it."""
    (tmp_path / "slow_to_load.py").write_text(
        "import signal, sys\nprint('loading', file=sys.stderr, flush=True)\nsignal.pause()\n", "ascii"
    )
    program = "from service_runtime.launch import launch; launch('slow_to_load')"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    wait_for(process, "loading")

    process.send_signal(number)
    _, said = process.communicate(timeout=20)

    assert process.returncode == 0
    assert said == ""


def test_a_wrong_configuration_is_printed_plainly(launch: Launch, write: Write) -> None:
    """Every problem on a line of its own, no traceback, exit code 2."""
    config = write("config.yaml", "redis: {port: 70000}")
    process = launch("say('never')", ORDER_TYPE="MAYBE")

    log, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert log == ""
    assert said.splitlines() == [
        "demo cannot start: the configuration is wrong",
        f"{config}: redis.port: should be less than or equal to 65535, not 70000",
        "environment: ORDER_TYPE: should be 'MKT', 'LMT' or 'MOC', not 'MAYBE'",
    ]


def test_a_service_may_find_its_own_part_of_the_configuration_wrong(launch: Launch) -> None:
    """It is printed in the same way."""
    process = launch("""
        raise ConfigurationError([ConfigurationProblem("sets.yaml", "ira", "is empty")])
    """)

    _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert said.splitlines()[-1] == "sets.yaml: ira: is empty"


def test_a_heartbeat_shows_that_the_loop_runs(launch: Launch, tmp_path: Path) -> None:
    """The file is there as soon as the service is."""
    heartbeat = tmp_path / "heartbeat"
    process = launch(
        """
        async def announce():
            await asyncio.to_thread(lambda: None)
            say("ready")
            await for_ever()
        context.run("announce", announce)
        await context.run_until_stopped(grace_seconds=0.1)
        """,
        HEARTBEAT_FILE=str(heartbeat),
    )
    wait_for(process, "ready")

    process.terminate()
    process.communicate(timeout=20)

    assert heartbeat.exists()
    assert process.returncode == 0


def test_a_heartbeat_that_cannot_be_written_ends_nothing(launch: Launch) -> None:
    """The probe decides; the service goes on and says so once."""
    process = launch(
        """
        say("ready")
        await context.run_until_stopped()
        """,
        HEARTBEAT_FILE="/nowhere/heartbeat",
    )
    wait_for(process, "ready")

    process.terminate()
    log, _ = process.communicate(timeout=20)

    assert process.returncode == 0
    assert log.count("heartbeat_not_written") == 1
