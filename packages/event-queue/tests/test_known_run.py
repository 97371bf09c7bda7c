"""Events reach the run of Redis that was compared with history, and no other one."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from event_queue.arrival import Arrival
from event_queue.errors import QueueClosed
from event_queue.known_run import KnownRun
from event_queue.outcomes import Queued
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.integration

LONG_SECONDS = 30


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncGenerator[tuple[RedisQueue, KnownRun]]:
    """The queue, whose present run is known."""
    run = KnownRun()
    async with open_redis(server.address, known_run=run) as queue, asyncio.timeout(LONG_SECONDS):
        run.run_id = await queue.mending.run_id()
        yield queue, run


async def test_before_any_run_is_known_nothing_is_taken_in() -> None:
    """One event or many; everything else works on any run."""
    with running_redis() as server:
        async with opened(server) as (queue, run):
            run.run_id = ""

            with pytest.raises(QueueClosed, match="not been compared"):
                await queue.intake.enqueue(make_event())
            [answer] = await queue.intake.enqueue_all([Arrival(make_event())])

            assert isinstance(answer, QueueClosed)
            assert await queue.outbox.length() == 0


async def test_after_a_start_of_redis_nothing_is_taken_in_before_that_run_is_known() -> None:
    """Also through connections that were open, and for events that are offered together."""
    with running_redis() as server:
        async with opened(server) as (queue, run):
            first, second = make_event("DU1"), make_event("DU2")
            before = await queue.intake.enqueue(first)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

            with pytest.raises(QueueClosed):
                await queue.intake.enqueue(second)
            answers = await queue.intake.enqueue_all([Arrival(second), Arrival(make_event("DU3"))])
            unchanged = await queue.outbox.length()
            run.run_id = await queue.mending.run_id()
            after = await queue.intake.enqueue(second)

        assert (before, after) == (Queued(first), Queued(second))
        assert [type(answer) for answer in answers] == [QueueClosed] * 2
        assert unchanged == 1


async def test_what_was_on_its_way_is_not_sent_again_to_another_run() -> None:
    """The client's own repetition, after a reply that never came, opens a connection that leads elsewhere."""
    with running_redis() as server:
        async with opened(server) as (queue, _):
            await queue.intake.enqueue(make_event("DU1"))
            os.kill(server.pid, signal.SIGSTOP)
            events = [make_event(f"DU{number}") for number in range(2, 5)]
            single = asyncio.create_task(queue.intake.enqueue(events[0]))
            together = asyncio.create_task(queue.intake.enqueue_all([Arrival(event) for event in events[1:]]))
            await asyncio.sleep(0)  # noqa: TID251 - lets both be sent
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)

            with pytest.raises(QueueClosed):
                await single
            assert [type(answer) for answer in await together] == [QueueClosed] * 2
            assert await queue.outbox.length() == 1


async def test_a_connection_that_is_open_still_is_of_no_use_once_another_run_is_known() -> None:
    """Two servers may answer under one name for a while."""
    with running_redis() as server:
        async with opened(server) as (queue, run):
            await queue.intake.enqueue(make_event("DU1"))
            known, run.run_id = run.run_id, "another"

            with pytest.raises(QueueClosed):
                await queue.intake.enqueue(make_event("DU2"))
            run.run_id = known

            assert isinstance(await queue.intake.enqueue(make_event("DU2")), Queued)
