"""The worker is told to stop while it waits for an event, with the claim of the next one behind its wait."""

import asyncio
from dataclasses import replace
from typing import Any

from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind
from event_queue.errors import QueueUnavailable
from event_queue.events import RebalanceEvent

BOUND_SECONDS = 4
"""Shorter than a wait that nobody ends."""


class _QueueWithAnotherWake:
    """The worker's side of the queue, with something else in place of the wake-up."""

    def __init__(self, inner: Any, wake: Any) -> None:
        self._inner = inner
        self.wake = wake

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _wake_by(world: WorkerWorld, wake: Any) -> Any:
    inner: Any = world.queue.worker
    other: Any = _QueueWithAnotherWake(inner, wake)
    world.queue = replace(world.queue, worker=other)
    return inner


async def _until_it_waits(world: WorkerWorld) -> None:
    client: Any = world.queue.client
    while not (await client.info("clients"))["blocked_clients"]:
        await world.brokerage.changes.wait_until(lambda: False, timeout_seconds=0.01)


async def test_an_event_that_comes_with_the_stop_is_handed_back_unchanged(world: WorkerWorld) -> None:
    """It is claimed before the worker knows that its wait has ended, and counts as no attempt."""
    queued: list[RebalanceEvent] = []

    async def wake() -> None:
        queued.append(await world.enqueue())
        await inner.wake()

    inner = _wake_by(world, wake)
    async with asyncio.timeout(BOUND_SECONDS), world.running() as worker:
        await _until_it_waits(world)
        world.stop.set()
        await worker

    living = await world.living(queued[0])
    client: Any = world.queue.client
    assert await world.all_kinds() == [AuditKind.QUEUED, AuditKind.CLAIMED, AuditKind.DELAYED]
    assert living.event == queued[0]
    assert await client.hlen(world.queue.keys.in_flight) == 0


async def test_a_wait_that_cannot_be_ended_is_cut_short(world: WorkerWorld) -> None:
    """Redis is away just now: the worker stops all the same."""

    async def wake() -> None:
        raise QueueUnavailable("told so by the test")

    _wake_by(world, wake)
    async with asyncio.timeout(BOUND_SECONDS), world.running() as worker:
        await _until_it_waits(world)
        world.stop.set()
        await worker
