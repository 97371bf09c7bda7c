"""Trigger files on a real Redis: kill -9 at every step, and many at once."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from event_broker.testing.manual_rig import watch_over
from event_queue.codec import decode_event
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.redis_server import RedisServer

pytestmark = pytest.mark.integration

SCRIPT = Path(__file__).parents[2] / "tools" / "rebalance.sh"
PROGRAM = Path(__file__).with_name("look_and_die.py")
SHELL = shutil.which("dash") or "sh"
STEPS_OF_A_GOOD_FILE = ["read", "queued", "deleted"]
STEPS_OF_A_BAD_FILE = ["refused", "set_aside"]


def run_script(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script as an operator does, under the plainest shell there is."""
    environ = {"PATH": os.environ["PATH"], "MANUAL_DIRECTORY": str(folder)}
    command = [SHELL, str(SCRIPT), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=20)


def files_in(folder: Path) -> list[str]:
    """What lies in a folder, but for the folder of refused files."""
    return sorted(path.name for path in folder.iterdir() if path.name != "failed")


async def queued_records(queue: RedisQueue) -> Counter[str]:
    """How often each kind of record was written."""
    return Counter(fields["kind"] for _, fields in await queue.client.xrange(queue.keys.outbox))


async def die_at(step: str, folder: Path, redis: RedisServer) -> int:
    """Look through the folder in a process that is killed at the step; how it ended."""
    process = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), str(folder), str(redis.port), step)
    async with asyncio.timeout(30):
        return await process.wait()


async def run_first_event(queue: RedisQueue) -> str:
    """Do what a worker does with one event; its id."""
    lease = await queue.worker.acquire_lease("test", ttl=timedelta(seconds=10))
    assert isinstance(lease, Lease)
    event = await queue.worker.claim(lease, "0")
    assert event is not None
    await queue.worker.complete(lease, "0", event, result={}, claim_next=False)
    return str(event.event_id)


@pytest.mark.parametrize("step", STEPS_OF_A_GOOD_FILE)
async def test_kill_9_at_any_step_queues_a_file_exactly_once(
    step: str, tmp_path: Path, redis_queue: RedisQueue, redis_server: RedisServer
) -> None:
    """Even when the event has run and ended before the file is seen again."""
    assert run_script(tmp_path, "-account", "DU1", "-exec", "rebalance").returncode == 0

    ended = await die_at(step, tmp_path, redis_server)
    if step != "read":
        await run_first_event(redis_queue)
    watch, _ = watch_over(tmp_path, redis_queue.intake)
    await watch.look()
    await watch.look()
    if step == "read":
        await run_first_event(redis_queue)

    records = await queued_records(redis_queue)
    assert ended == -signal.SIGKILL
    assert (records["queued"], records["completed"], records["duplicate"]) == (1, 1, 0)
    assert (await redis_queue.admin.status()).active_events_count == 0
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("step", STEPS_OF_A_BAD_FILE)
async def test_kill_9_while_a_file_is_refused_leaves_it_with_its_reason(
    step: str, tmp_path: Path, redis_queue: RedisQueue, redis_server: RedisServer
) -> None:
    """At the end there is one refused file and one reason."""
    (tmp_path / "one.json").write_text('{"account_id": "DU99"}', encoding="utf-8")

    ended = await die_at(step, tmp_path, redis_server)
    watch, _ = watch_over(tmp_path, redis_queue.intake)
    await watch.look()

    assert ended == -signal.SIGKILL
    assert files_in(tmp_path) == []
    assert files_in(tmp_path / "failed") == ["one.json", "one.json.reason"]
    assert await queued_records(redis_queue) == Counter()


async def test_a_twin_is_refused_by_name(tmp_path: Path, redis_queue: RedisQueue) -> None:
    """The second file of the same account and command names the event of the first."""
    watch, _ = watch_over(tmp_path, redis_queue.intake)
    for _ in range(2):
        assert run_script(tmp_path, "-account", "DU1", "-exec", "rebalance").returncode == 0
        await watch.look()

    [living] = await redis_queue.admin.list_events(10)
    [reason] = (tmp_path / "failed").glob("*.reason")
    assert str(living.event.event_id) in reason.read_text(encoding="utf-8")


async def test_many_files_written_while_two_watch_are_each_queued_once(tmp_path: Path, redis_queue: RedisQueue) -> None:
    """Sixty scripts race with two watchers: every account and command ends as one event, and no file is left."""
    pairs = [(f"DU{number % 3 + 1}", command) for number in range(30) for command in ("rebalance", "print-rebalance")]
    watches = [watch_over(tmp_path, redis_queue.intake, settle_seconds=60)[0] for _ in range(2)]
    writing = asyncio.gather(
        *(asyncio.to_thread(run_script, tmp_path, "-account", account, "-exec", word) for account, word in pairs)
    )

    while not writing.done():
        await asyncio.gather(*(watch.look() for watch in watches))
    for watch in watches:
        await watch.look()

    refused = [name for name in files_in(tmp_path / "failed") if not name.endswith(".reason")]
    bodies = [decode_event(text) for text in await redis_queue.client.hvals(redis_queue.keys.events)]
    assert all(done.returncode == 0 for done in writing.result())
    assert sorted(event.dedup_key for event in bodies) == sorted({f"{account}:{word}" for account, word in pairs})
    assert len(bodies) + len(refused) == len(pairs)
    assert files_in(tmp_path) == []
