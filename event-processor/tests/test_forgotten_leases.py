"""A Redis that has forgotten a lease gives it to another, who uses it only when the first one's time is certainly over.

Time is moved by hand; the guard's own deadline, of the loop's clock, does not come in these tests unless it is set.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from event_processor.errors import Stopping
from event_processor.lease_guard import LeaseGuard
from event_processor.lease_holder import LeaseHolder
from event_processor.lease_keeper import LeaseKeeper
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON
from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import LeaseLost
from event_queue.outcomes import Lease
from event_queue.ports.operators import ComponentBoard, NextReport
from event_queue.redis_components import RedisComponentBoard
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.redis_server import running_redis

TTL = timedelta(seconds=15)
THIRD = 5.0
"""A lease is renewed so often, also while it is not used."""
AGAIN = 1.0
_BOUND_SECONDS = 10


class Process:
    """A worker process as far as its lease goes."""

    def __init__(self, queue: RedisQueue, name: str, board: ComponentBoard | None = None) -> None:
        self.clock = HandClock(NOON)
        self.stop = asyncio.Event()
        self.guard = LeaseGuard(self.stop)
        self.told: list[float] = []
        holder = LeaseHolder(name, "space", 1, 1.0)
        self.keeper = LeaseKeeper(queue.worker, self.clock, self.guard, holder, TTL, self._tell, board)

    async def _tell(self, _: Lease, seconds: float) -> None:
        self.told.append(seconds)

    @property
    def may_send(self) -> bool:
        """Whether an order would leave now."""
        try:
            self.guard.require_running()
        except (LeaseLost, Stopping):
            return False
        return True

    def let_its_time_pass(self) -> None:
        """Its lease was granted longer ago than it lasts."""
        self.guard.extend(asyncio.get_running_loop().time() - TTL.total_seconds(), TTL.total_seconds())

    async def until_used(self, asked: "asyncio.Task[Lease]", *, pauses: int = 0) -> Lease:
        """Let the whole wait pass, after so many earlier pauses: not a moment less is enough."""
        for third in range(1, 4):
            await self.clock.until_paused(pauses + third)
            assert (asked.done(), self.may_send) == (False, False)
            self.clock.advance(THIRD)
        return await asked

    @asynccontextmanager
    async def asking(self) -> AsyncGenerator["asyncio.Task[Lease]"]:
        """Ask for the lease; whoever has not got it at the end stops asking."""
        task = asyncio.create_task(self.keeper.acquire())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _empty(queue: RedisQueue) -> None:
    client: Any = queue.client
    await client.flushall()


async def test_a_lease_of_an_emptied_redis_is_used_when_all_earlier_ones_have_ended(redis_queue: RedisQueue) -> None:
    """The first stands still before an order; nobody else may send for as long as it may."""
    first, second = Process(redis_queue, "first"), Process(redis_queue, "second")
    await first.keeper.acquire()
    await _empty(redis_queue)

    async with second.asking() as asked:
        for third in range(1, 4):
            await second.clock.until_paused(third)
            assert (first.may_send, second.may_send, asked.done()) == (True, False, False)
            second.clock.advance(THIRD)
        lease = await asked

    assert second.clock.paused_for == [THIRD] * 3
    assert second.told == [15.0, 10.0, 5.0]
    assert lease.is_sole
    assert second.may_send


async def test_a_lease_of_a_redis_that_started_anew_is_used_so_too() -> None:
    """It may come from an older file, and nothing in it would show what it granted last."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            first, second = Process(queue, "first"), Process(queue, "second")
            async with first.asking() as asked:
                await first.keeper.release(await first.until_used(asked))
            server.kill()
            server.start()

            async with second.asking() as asked:
                await second.clock.until_paused()

                assert not asked.done()


async def test_whoever_counts_on_its_own_lease_need_not_wait(redis_queue: RedisQueue) -> None:
    """As the usual single worker does: nobody else can, for as long as it does."""
    first = Process(redis_queue, "first")
    before = await first.keeper.acquire()
    await _empty(redis_queue)

    lease = await first.keeper.acquire()

    assert lease.is_sole
    assert lease.fence > before.fence
    assert first.clock.paused_for == []
    assert first.may_send


@pytest.mark.parametrize("reason", ["ran out", "released", "passed on"])
async def test_whoever_counts_on_its_own_no_more_waits_like_everybody(redis_queue: RedisQueue, reason: str) -> None:
    """Somebody else may have had the lease since."""
    first, second = Process(redis_queue, "first"), Process(redis_queue, "second")
    lease = await first.keeper.acquire()
    if reason == "ran out":
        first.let_its_time_pass()
    elif reason == "released":
        await first.keeper.release(lease)
    else:
        await redis_queue.worker.release_lease(lease)
        await second.keeper.acquire()
        async with first.asking():
            await first.clock.until_paused()
    await _empty(redis_queue)
    pauses = len(first.clock.paused_for)

    async with first.asking() as asked:
        await first.clock.until_paused(pauses + 1)

        assert (asked.done(), first.may_send) == (False, False)
        assert first.told == [15.0]


async def test_the_next_need_not_wait(redis_queue: RedisQueue) -> None:
    """The first to work after a loss says so in Redis when its wait is over."""
    await _empty(redis_queue)
    first, second = Process(redis_queue, "first"), Process(redis_queue, "second")
    async with first.asking() as asked:
        await first.keeper.release(await first.until_used(asked))

    assert (await second.keeper.acquire()).is_sole
    assert second.clock.paused_for == []


async def test_a_worker_that_keeps_its_lease_over_a_restart_of_redis_speaks_for_the_next() -> None:
    """Nothing was lost, which its renewal proves."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            first, second = Process(queue, "first"), Process(queue, "second")
            async with first.asking() as asked:
                lease = await first.until_used(asked)
            server.kill()
            server.start()
            keeping = asyncio.create_task(first.keeper.keep(lease))
            await first.clock.until_paused(4)
            first.clock.advance(THIRD)
            await first.clock.until_paused(5)
            keeping.cancel()
            await first.keeper.release(lease)

            assert (await second.keeper.acquire()).is_sole


async def test_whoever_dies_while_it_waits_leaves_the_whole_wait_to_the_next(redis_queue: RedisQueue) -> None:
    """It has proved nothing."""
    await _empty(redis_queue)
    first, second = Process(redis_queue, "first"), Process(redis_queue, "second")
    async with first.asking():
        for third in range(1, 3):
            await first.clock.until_paused(third)
            first.clock.advance(THIRD)
        await first.clock.until_paused(3)

    async with second.asking() as asked:
        await second.clock.until_paused()

        assert not asked.done()
        assert second.told == [15.0]


async def test_what_is_lost_during_the_wait_begins_it_anew(redis_queue: RedisQueue) -> None:
    """Between two losses another may have worked."""
    await _empty(redis_queue)
    first = Process(redis_queue, "first")
    async with first.asking() as asked:
        await first.clock.until_paused()
        await _empty(redis_queue)
        first.clock.advance(THIRD)
        await first.clock.until_paused(2)
        first.clock.advance(AGAIN)
        await first.until_used(asked, pauses=2)

    assert first.told == [15.0, 15.0, 10.0, 5.0]


async def test_a_stop_ends_the_wait_at_once_and_frees_the_lease(redis_queue: RedisQueue) -> None:
    """Whoever starts next gets it, and waits."""
    await _empty(redis_queue)
    first = Process(redis_queue, "first")
    async with first.asking():
        await first.clock.until_paused()

    assert isinstance(await redis_queue.worker.acquire_lease("second:space:1:1.00", ttl=TTL), Lease)


class Followed(RedisComponentBoard):
    """The board of a process that tells when it waits for the next report, having found the one before of no use."""

    def __init__(self, queue: RedisQueue) -> None:
        self._board = queue.components
        self._waits: asyncio.Queue[None] = asyncio.Queue()

    async def until_waited_for(self) -> None:
        """Return when the next report is waited for."""
        async with asyncio.timeout(_BOUND_SECONDS):
            await self._waits.get()

    @asynccontextmanager
    async def following(self) -> AsyncGenerator[NextReport]:
        """As it is, and told of."""
        async with self._board.following() as next_report:

            async def told(at_most_seconds: float) -> None:
                self._waits.put_nowait(None)
                await next_report(at_most_seconds)

            yield told


async def compared(queue: RedisQueue, *, forgets_no_lease: bool) -> None:
    """What the event-broker does when it has compared Redis with its history."""
    await queue.mending.mark_checked(await queue.mending.run_id(), forgets_no_lease=forgets_no_lease)
    await queue.components.report(ComponentReport("history", ComponentState.OK, "compared", {}, NOON))


async def test_a_redis_that_is_found_to_forget_nothing_ends_the_wait(redis_queue: RedisQueue) -> None:
    """Without any time passing: nobody can count on a lease that it does not know."""
    await _empty(redis_queue)
    first = Process(redis_queue, "first", redis_queue.components)
    async with first.asking() as asked, asyncio.timeout(_BOUND_SECONDS):
        await first.clock.until_paused()
        await compared(redis_queue, forgets_no_lease=True)
        lease = await asked

    assert lease.is_sole
    assert first.may_send


async def test_a_redis_that_may_forget_is_outwaited_also_when_it_was_compared(redis_queue: RedisQueue) -> None:
    """That it agrees with history does not tell whom it had given the lease."""
    await _empty(redis_queue)
    board = Followed(redis_queue)
    first = Process(redis_queue, "first", board)
    async with first.asking() as asked:
        await board.until_waited_for()
        await compared(redis_queue, forgets_no_lease=False)
        await board.until_waited_for()
        lease = await first.until_used(asked)

    assert lease.is_sole


async def test_a_wait_that_nobody_can_end_is_waited_out(redis_queue: RedisQueue) -> None:
    """Reports that cannot be followed neither end it nor fail it."""
    await _empty(redis_queue)
    with running_redis() as server:
        async with open_redis(server.address) as elsewhere:
            server.kill()
            first = Process(redis_queue, "first", elsewhere.components)
            async with first.asking() as asked:
                lease = await first.until_used(asked)

    assert lease.is_sole


async def test_no_clock_that_is_set_shortens_the_wait(redis_queue: RedisQueue) -> None:
    """An hour forward on the host of Redis ends the lease that is held unused, so that the wait begins anew."""
    await _empty(redis_queue)
    client: Any = redis_queue.client
    first = Process(redis_queue, "first")
    async with first.asking() as asked:
        await first.clock.until_paused()
        await client.pexpire(redis_queue.keys.lease, 0)
        first.clock.advance(THIRD)
        await first.clock.until_paused(2)
        first.clock.advance(AGAIN)
        await first.until_used(asked, pauses=2)

    assert first.told == [15.0, 15.0, 10.0, 5.0]


async def test_a_redis_that_falls_silent_during_the_wait_is_asked_again() -> None:
    """The wait begins anew: who knows what Redis it is by then."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            first = Process(queue, "first")
            async with first.asking() as asked:
                await first.clock.until_paused()
                server.kill()
                first.clock.advance(THIRD)
                await first.clock.until_paused(2)
                server.start()
                first.clock.advance(AGAIN)
                await first.until_used(asked, pauses=2)

    assert first.told == [15.0, 15.0, 10.0, 5.0]


async def test_an_emptied_redis_holds_up_no_worker_that_goes_on(world: WorkerWorld) -> None:
    """It takes the lease again and works on, without any time passing."""
    client: Any = world.queue.client
    async with world.running(), asyncio.timeout(_BOUND_SECONDS):
        await world.enqueue()
        await world.next_record(AuditKind.COMPLETED)
        await client.delete(world.queue.keys.lease, world.queue.keys.fence, world.queue.keys.lease_run)
        await world.enqueue()
        await world.next_record(AuditKind.COMPLETED)
