"""Cancellations that nobody asked for: no part of the worker may be gone unnoticed because of one."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from event_processor.errors import WorkCancelledWithin
from event_processor.own_cancellation import only_cancelled_when_asked
from event_processor.testing.worker_world import Answer, WorkerWorld
from event_queue.audit import AuditKind
from event_queue.events import Command, RebalanceEvent
from event_queue.redis_worker import RedisWorkerQueue


async def somebody_cancels_a_future() -> None:
    """Wait for what somebody else gives up; the task itself is not cancelled."""
    somebodys: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    somebodys.cancel()
    await somebodys


async def the_task_cancels_itself() -> None:
    """As a library does that ends its own waits so, and forgets to say that it was itself."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.Event().wait()


class StumblingQueue(RedisWorkerQueue):
    """A queue whose first completion ends in a cancellation from inside."""

    def __init__(self, queue: RedisWorkerQueue, stumble: Callable[[], Awaitable[None]]) -> None:
        self.__dict__.update(vars(queue))
        self.stumbles = 1
        self._stumble = stumble

    async def complete(self, *args: Any, **options: Any) -> RebalanceEvent | None:
        """Complete, but for the first time."""
        if self.stumbles:
            self.stumbles -= 1
            await self._stumble()
        return await super().complete(*args, **options)


def stumbling_once(answer: Answer) -> Answer:
    """An allocations API whose first answer is given up by somebody."""
    stumbles = [somebody_cancels_a_future]

    async def respond(request: httpx.Request) -> httpx.Response:
        if stumbles:
            await stumbles.pop()()
        return await answer(request)

    return respond


@pytest.mark.parametrize("stumble", [somebody_cancels_a_future, the_task_cancels_itself])
async def test_a_hand_that_is_cancelled_from_inside_is_not_lost(
    world: WorkerWorld, stumble: Callable[[], Awaitable[None]]
) -> None:
    """The worker gives the lease up and leads anew: the event is recovered, and what waits behind it is done too."""
    stumbling = StumblingQueue(world.queue.worker, stumble)  # type: ignore[arg-type] - the world's queue is the real one
    world.queue = replace(world.queue, worker=stumbling)
    first = await world.enqueue(Command.PRINT_EQUITY)
    second = await world.enqueue(Command.PRINT_POSITIONS)

    async with asyncio.timeout(20), world.running():
        ended = [await world.next_record(AuditKind.COMPLETED), await world.next_record(AuditKind.COMPLETED)]

    assert stumbling.stumbles == 0
    assert {record.event_id for record in ended} == {first.event_id, second.event_id}
    again = next(record for record in ended if record.event_id == first.event_id)
    assert json.loads(again.event_json)["times_queued"] == 2


async def test_an_attempt_that_is_cancelled_from_inside_is_tried_again(world: WorkerWorld) -> None:
    """The event fails as it does after any surprise; the worker keeps its lease and goes on with the next."""
    world.answer = stumbling_once(world.answer)
    event = await world.enqueue(Command.PRINT_REBALANCE)
    other = await world.enqueue(Command.PRINT_POSITIONS)

    async with asyncio.timeout(20), world.running():
        failed = await world.next_record(AuditKind.REQUEUED, AuditKind.RECOVERED)
        ended = await world.next_record(AuditKind.COMPLETED)

    assert (failed.kind, failed.event_id) == (AuditKind.REQUEUED, event.event_id)
    assert ended.event_id == other.event_id


async def test_a_cancellation_that_was_asked_for_passes() -> None:
    """Whoever cancels a task finds it cancelled."""
    started = asyncio.Event()

    async def work() -> None:
        with only_cancelled_when_asked("work"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_from_inside_becomes_an_error() -> None:
    """A future that somebody else cancelled does not end the task that waits for it in silence."""
    somebodys: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    somebodys.cancel()

    with pytest.raises(WorkCancelledWithin, match="work on it"), only_cancelled_when_asked("work on it"):
        await somebodys
