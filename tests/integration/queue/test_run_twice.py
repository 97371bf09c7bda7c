"""Every script may run twice: same state, same answer. A lost reply is then repeated without harm."""

from datetime import timedelta
from typing import Any

import pytest

from event_queue.redis_intake import RedisIntake
from event_queue.redis_queue import RedisQueue, queue_of
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.script_files import SCRIPT_NAMES, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from queue_stories.stories import STORIES
from queue_stories.telling import answer_of, shipped_scripts

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


class TwiceRunner(ScriptRunner):
    """Runs every script twice, and compares the answers and everything that Redis holds."""

    def __init__(self, queue: RedisQueue) -> None:
        super().__init__(queue.client, queue.keys, load_scripts())
        self.client = queue.client
        self.ran: set[ScriptName] = set()

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        first = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        state = await dump_all(self.client)
        second = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        assert answer_of(name, second, 0) == answer_of(name, first, 0), name
        assert await dump_all(self.client) == state, name
        self.ran.add(name)
        return second


async def test_every_script_may_run_twice(redis_queue: RedisQueue) -> None:
    """Stories through every script and every branch of its answer, each step taken twice."""
    runner = TwiceRunner(redis_queue)

    for story in STORIES.values():
        await redis_queue.client.flushall()
        await story(queue_of(runner, redis_queue.client, redis_queue.client))

    assert runner.ran == shipped_scripts() == set(SCRIPT_NAMES)


@pytest.mark.parametrize("pause", [timedelta(), HOUR])
async def test_a_paused_transition_may_run_twice(redis_queue: RedisQueue, pause: timedelta) -> None:
    """Requeue and the third recovery keep their one due time when repeated."""
    runner = TwiceRunner(redis_queue)
    worker = RedisWorkerQueue(runner, redis_queue.client)
    await RedisIntake(runner).enqueue(event := make_event())
    lease = await lead(worker)

    for _ in range(3):
        assert await worker.claim(lease, "0") is not None
        await worker.recover(lease, repeat_pause=pause)

    living = await redis_queue.admin.get_event(event.event_id)
    assert living is not None
    assert (living.event.times_queued, living.due_at is None) == (4, not pause)
