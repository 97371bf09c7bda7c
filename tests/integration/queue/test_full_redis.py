"""Every script at Redis's memory limit: what takes in is refused whole, and all that ends or frees goes on."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from event_queue.errors import QueueFull
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue, open_redis, queue_of
from event_queue.script_files import SCRIPT_NAMES, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry, copy_of, go_back
from event_queue.testing.redis_server import running_redis
from queue_stories.stories import STORIES
from queue_stories.telling import Answer, answer_of, start_of, state_of

pytestmark = pytest.mark.integration

REFUSED: set[ScriptName] = {"enqueue", "renumber", "restore"}
"""What brings events in: new ones, and those of history."""


@pytest.fixture
async def own_queue() -> AsyncGenerator[RedisQueue]:
    """The queue on a server whose limit the test may move."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            yield queue


class LimitedRunner(ScriptRunner):
    """Runs every script at the limit; one that is refused must have changed nothing, and runs again without it."""

    def __init__(self, queue: RedisQueue, *, limit: int, started: int) -> None:
        super().__init__(queue.client, queue.keys, load_scripts())
        self.answers: list[Answer] = []
        self.refused: set[ScriptName] = set()
        self._client_of_all = queue.client
        self._limit = limit
        self.started = started

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        before = await dump_all(self._client_of_all)
        await self._client_of_all.config_set("maxmemory", self._limit)
        try:
            reply = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        except QueueFull:
            assert await dump_all(self._client_of_all) == before, name
            await self._client_of_all.config_set("maxmemory", 0)
            self.refused.add(name)
            reply = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        await self._client_of_all.config_set("maxmemory", 0)
        self.answers.append(answer_of(name, reply, self.started))
        return reply


async def test_every_script_at_the_memory_limit_does_all_or_nothing(own_queue: RedisQueue) -> None:
    """Only intake is refused, and may be repeated; all else answers and leaves what it does without a limit."""
    client = own_queue.client
    ran: set[str] = set()
    refused: set[ScriptName] = set()

    for story in STORIES.values():
        told: list[tuple[list[Answer], object]] = []
        for limit in (0, 1):
            await client.flushall()
            runner = LimitedRunner(own_queue, limit=limit, started=await start_of(client))
            await story(queue_of(runner, client, client))
            told.append((runner.answers, await state_of(client, own_queue.keys, runner.started)))
            ran |= {name for name, _ in runner.answers}
            refused |= runner.refused
        assert told[0] == told[1], story

    assert ran == set(SCRIPT_NAMES)
    assert refused == REFUSED


async def test_a_run_of_redis_counts_as_compared_at_the_memory_limit_too(own_queue: RedisQueue) -> None:
    """A Redis that was restarted there would else let no live run begin; amid a halt nobody says so."""
    await own_queue.client.config_set("maxmemory", 1)

    await own_queue.mending.mark_checked("this run")
    marked = await own_queue.mending.checked_run()
    await own_queue.mending.halt("halted 1 2 since")
    await own_queue.mending.mark_checked("the next run")

    assert marked == "this run"
    assert await own_queue.mending.checked_run() == "this run"
    assert await own_queue.mending.halt_reason() == "halted 1 2 since"


async def test_a_redis_both_full_and_gone_back_is_put_right_when_it_has_room(
    own_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """As docs/limits.md tells: it stays halted with all that it holds, and raising the limit is enough."""
    client, mender = own_queue.client, Mender(own_queue.mending, audit.past)
    old = await copy_of(client)
    await own_queue.intake.enqueue(event := make_event("DU1"))
    await carry(own_queue, audit)
    await go_back(client, old)
    await own_queue.intake.enqueue(newer := make_event("DU2"))
    await client.config_set("maxmemory", 1)

    with pytest.raises(QueueFull):
        await mender.mend()
    assert set(await own_queue.mending.present()) == {newer.event_id}
    assert await own_queue.mending.halt_reason()

    await client.config_set("maxmemory", 0)
    await mender.mend()
    assert set(await own_queue.mending.present()) == {event.event_id, newer.event_id}
    await carry(own_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES
    assert not await own_queue.mending.halt_reason()
