"""Behind 100 000 waiting events nothing that the queue does is slow by Redis's own clock."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from event_queue.events import RebalanceEvent
from event_queue.keys import QueueKeys
from event_queue.outcomes import Lease
from event_queue.redis_intake import RedisIntake
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.events import make_event
from event_queue.testing.redis_server import running_redis

pytestmark = pytest.mark.integration

WAITING = 100_000
SLOW_MICROSECONDS = 5000
BATCH = 1000
PASSES = 4
INTERRUPTED_AT_MOST = WAITING // 20
"""A busy machine stops even Redis in the middle of a command now and then, and the slow log counts that time too."""
NO_PAUSE = timedelta()


class Recorder:
    """Stands in for a client: keeps what the intake would send, so that it can be sent in large pipelines."""

    def __init__(self, client: Any) -> None:
        self.commands: list[tuple[Any, ...]] = []
        self.pipeline = client.pipeline

    async def execute_command(self, *words: Any) -> list[str]:
        self.commands.append(words)
        return ["queued", ""]


async def fill(queue: RedisQueue) -> None:
    """Exactly what the intake sends for each event, a thousand in one go."""
    recorder: Any = Recorder(queue.client)
    intake = RedisIntake(ScriptRunner(recorder, QueueKeys.with_prefix(""), load_scripts()))
    await queue.client.script_load(load_scripts()["enqueue"].text)
    for start in range(0, WAITING, BATCH):
        for number in range(start, start + BATCH):
            await intake.enqueue(make_event(f"A{number}"))
        async with queue.client.pipeline(transaction=False) as pipeline:
            for words in recorder.commands:
                pipeline.execute_command(*words)
            await pipeline.execute()
        recorder.commands.clear()


async def live(queue: RedisQueue, lease: Lease, name: str) -> None:
    """One pass through everything that is done with a queue that long."""
    event = make_event(name)
    await queue.intake.enqueue(event)
    await queue.intake.enqueue(make_event(name))
    held = await queue.worker.claim(lease, "0")
    assert isinstance(held, RebalanceEvent)
    await queue.worker.requeue(lease, "0", held, pause=NO_PAUSE, error="", result={})
    held = await queue.worker.claim(lease, "0")
    assert isinstance(held, RebalanceEvent)
    held = await queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    assert isinstance(held, RebalanceEvent)
    await queue.worker.complete(lease, "0", held, result={}, claim_next=False)
    await queue.admin.status()
    await queue.admin.list_events(100)
    await queue.admin.get_event(event.event_id)
    await queue.admin.delete(event.event_id, actor="test")
    await queue.mending.survey("0-0")
    await queue.mending.survey("1-0")
    await queue.outbox.trim("1-0")


async def slow(queue: RedisQueue) -> Counter[str]:
    """What was slow since the last look, by script."""
    names = {script.sha: name for name, script in load_scripts().items()}
    entries: list[dict[str, Any]] = await queue.client.slowlog_get(WAITING)
    await queue.client.slowlog_reset()
    words = [
        (entry["command"] if isinstance(entry["command"], str) else entry["command"].decode()) for entry in entries
    ]
    return Counter(names.get(command.split()[1], command) if " " in command else command for command in words)


async def test_nothing_is_slow_behind_a_hundred_thousand_events() -> None:
    """What is slow by itself is slow each time; no step is."""
    with running_redis(
        appendfsync="no", slowlog_log_slower_than=str(SLOW_MICROSECONDS), slowlog_max_len=str(WAITING)
    ) as server:
        async with open_redis(server.address, answer=timedelta(seconds=30)) as queue:
            await fill(queue)
            filling = await slow(queue)
            lease = await queue.worker.acquire_lease("test", ttl=timedelta(minutes=5))
            assert isinstance(lease, Lease)

            passes: list[set[str]] = []
            for number in range(PASSES):
                await live(queue, lease, f"new {number}")
                passes.append(set(await slow(queue)))

            assert (await queue.admin.status()).queue_length >= WAITING - 2 * PASSES
    assert filling.total() <= INTERRUPTED_AT_MOST
    assert [name for name in passes[0] if all(name in one for one in passes)] == []
