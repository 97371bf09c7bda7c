"""A gap in a channel, a crash before it is closed, and a restart: through the real SDK and a simulated Ably."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from event_broker.signal_spool import SignalSpool, SpoolFolder
from event_broker.testing.listening_rig import SHORT, ListeningRig, accounts_on, listening
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.trigger import Trigger
from event_queue.components import ComponentReport
from sandbox.ably import AblyServer, AblySpec, KeySpec
from service_runtime.clock import SystemClock

CHANNEL = "strategy-growth"
KEY = "app.main:secret-1"


class MovedClock(SystemClock):
    """A clock that the test moves; pauses take their time."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        """The moved time."""
        return super().now() + self.moved


class ToldSpool(SignalSpool):
    """Tells the numbers of the messages that are on disk."""

    def __init__(
        self, directory: Path, channel: str, saved: asyncio.Queue[int], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(directory, channel)
        self._saved = saved
        self._loop = loop

    def append(self, triggers: Iterable[Trigger]) -> None:
        """Add them, then tell."""
        payloads: list[Any] = [each.payload for each in triggers]
        super().append(triggers)
        for payload in payloads:
            self._loop.call_soon_threadsafe(self._saved.put_nowait, json.loads(payload)["number"])


class ToldFolder(SpoolFolder):
    """A folder with such files."""

    saved: asyncio.Queue[int]
    loop: asyncio.AbstractEventLoop

    def spool(self, channel: str) -> SignalSpool:
        """The file of one channel."""
        return ToldSpool(self._directory, channel, self.saved, self.loop)


class World:
    """An Ably that keeps messages for a day, and our service's lives, which share Redis and a folder."""

    def __init__(self, directory: Path) -> None:
        self.clock = MovedClock()
        self.ours = MovedClock()
        """Moved as the other is, and by what a test adds."""
        spec = AblySpec(keys=(KeySpec(key=KEY),), persisted={CHANNEL: 86_400})
        self.ably = AblyServer(spec, clock=lambda: self.clock.now().timestamp())
        self.store = MemoryProgress()
        self.intake = RecordingIntake()
        self.directory = directory
        self.loop = asyncio.get_running_loop()
        self.saved: asyncio.Queue[int] = asyncio.Queue()
        """Numbers of the messages that are on disk."""

    def listen(self, **timing: float) -> AbstractAsyncContextManager[ListeningRig]:
        """One life of the service."""
        return listening(
            accounts_on(DU1=CHANNEL),
            endpoint=self.ably.endpoint,
            key=KEY,
            timing=replace(SHORT, **timing),
            intake=self.intake,
            store=self.store,
            clock=self.ours,
            open_spool=self.open_spool,
        )

    def open_spool(self) -> SpoolFolder:
        """The folder, for one life at a time."""
        folder = ToldFolder.open(self.directory, "app")
        folder.saved, folder.loop = self.saved, self.loop
        return folder

    def publish_apart(self, *numbers: int) -> None:
        """Publish numbered messages, ten minutes after each other: a rewind brings the last one at most."""
        for number in numbers:
            self.let_pass(minutes=10)
            self.ably.publish(CHANNEL, {"number": number})

    def let_pass(self, **duration: float) -> None:
        """Let time pass for everybody."""
        self.clock.moved += timedelta(**duration)
        self.ours.moved += timedelta(**duration)

    def redis_is(self, *, up: bool) -> None:
        """Let Redis take nothing in, or everything again."""
        for gate in (self.intake.open, self.store.open, self.store.writable):
            (gate.set if up else gate.clear)()

    async def taken(self, count: int) -> list[object]:
        """The numbers taken in, once there are so many."""
        return [event.data["number"] for event in await self.intake.wait_taken(count)]

    async def take_in(self, number: int) -> None:
        """Publish a message, whose number says how many there are by then, and wait until nothing of it is open."""
        self.publish_apart(number)
        await self.taken(number)
        await self.reached(number)

    async def on_disk(self, number: int) -> None:
        """Wait until a message lies on disk."""
        async with asyncio.timeout(20):
            while await self.saved.get() != number:
                pass

    async def reached(self, number: int) -> None:
        """Wait until progress is at a message that was offered."""
        ids = {offer.event.data["number"]: offer.message.identity for offer in self.intake.offers if offer.message}
        await self.store.wait_until(
            lambda stored: CHANNEL in stored and f"{CHANNEL}:{stored[CHANNEL].message_id}" == ids[number]
        )


def is_caught_up(report: ComponentReport) -> bool:
    """Whether the channel is attached and its past is read."""
    return report.facts["channels"] == {CHANNEL: "attached"} and not report.facts["catching_up"]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The world, before the service is started."""
    world = World(tmp_path)
    async with world.ably:
        yield world


async def test_what_came_before_and_after_a_gap_is_taken_in_by_its_time(world: World) -> None:
    """Redis is away; a message, an outage of Ably with another in it, one more, kill -9: the next life goes by time."""
    async with world.listen() as first:
        await first.wait_health(is_caught_up)
        await world.take_in(1)
        world.redis_is(up=False)
        world.publish_apart(2)
        await world.on_disk(2)
        await world.ably.refuse()
        world.ably.forget_connections()
        world.publish_apart(3)
        world.let_pass(minutes=10)
        await world.ably.accept()
        await first.wait_attached()
        world.publish_apart(4)
        await world.on_disk(4)
        first.is_killed = True
    world.redis_is(up=True)

    async with world.listen() as second:
        await second.wait_health(is_caught_up)
        numbers = await world.taken(4)
        await world.reached(4)

    assert numbers == [1, 2, 3, 4]
    assert (first.missed, second.missed) == ([], [])


async def test_a_crash_before_the_gap_is_closed_costs_neither_messages_nor_their_order(world: World) -> None:
    """What came live after the gap lies on disk, what came in the gap does not: the next life reads it first."""
    async with world.listen() as first:
        await first.wait_health(is_caught_up)
        await world.take_in(1)
        first.is_killed = True
    world.publish_apart(2)
    world.let_pass(minutes=10)
    world.redis_is(up=False)
    async with world.listen() as second:
        await second.wait_attached()
        world.publish_apart(3)
        await world.on_disk(3)
        second.is_killed = True
    world.redis_is(up=True)

    async with world.listen() as third:
        await third.wait_health(is_caught_up)
        numbers = await world.taken(3)
        await world.reached(3)

    assert numbers == [1, 2, 3]
    assert third.missed == []


async def test_no_message_left_on_disk_moves_progress_past_what_redis_has_lost(world: World) -> None:
    """Nor does one that comes live, or a second crash: whoever can read the history at last finds everything."""
    async with world.listen() as first:
        await first.wait_health(is_caught_up)
        await world.take_in(1)
        at_first = dict(world.store.progress)
        await world.take_in(2)
        world.redis_is(up=False)
        world.publish_apart(3)
        await world.on_disk(3)
        first.is_killed = True
    world.intake.lose_last()
    world.store.progress = dict(at_first)
    async with world.listen(hold_seconds=0.01) as second:
        await second.wait_attached()
        world.ably.set_unavailable()
        world.redis_is(up=True)
        await world.taken(2)
        world.publish_apart(4)
        without = list(await world.taken(3))
        second.is_killed = True
    world.ably.set_unavailable(unavailable=False)
    after_the_crash = dict(world.store.progress)

    async with world.listen() as third:
        await third.wait_health(is_caught_up)
        numbers = await world.taken(4)
        await world.reached(4)

    assert without == [1, 3, 4]
    assert after_the_crash == at_first
    assert numbers == [1, 3, 4, 2]
    assert third.missed == []


@pytest.mark.parametrize(("before", "after"), [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)])
async def test_a_clock_that_is_an_hour_off_loses_nothing_that_waits(world: World, before: int, after: int) -> None:
    """What lies on disk and what came in the gap is taken in by Ably's time, once; nobody is told of a gap."""
    world.ours.moved += timedelta(hours=before)
    async with world.listen() as first:
        await first.wait_health(is_caught_up)
        await world.take_in(1)
        world.redis_is(up=False)
        world.publish_apart(2)
        await world.on_disk(2)
        first.is_killed = True
    world.publish_apart(3)
    world.let_pass(minutes=10)
    world.ours.moved += timedelta(hours=after - before)
    world.redis_is(up=True)

    async with world.listen() as second:
        await second.wait_health(is_caught_up)
        world.publish_apart(4)
        numbers = await world.taken(4)
        await world.reached(4)

    assert numbers == [1, 2, 3, 4]
    assert (first.missed, second.missed) == ([], [])
