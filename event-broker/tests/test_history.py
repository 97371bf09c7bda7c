"""Gaps closed from the history, through the real SDK and a simulated Ably."""

import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from event_broker import ably_history
from event_broker.testing.listening_rig import SHORT, ListeningRig, accounts_on, listening
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.testing.recording_intake import RecordingIntake
from event_queue.components import ComponentReport, ComponentState
from sandbox.ably import AblyServer, AblySpec, KeySpec
from service_runtime.clock import SystemClock

CHANNEL, OTHER = "strategy-growth", "strategy-income"
KEY = "app.main:secret-1"
DEAF_KEY = "app.deaf:secret-2"


class MovedClock(SystemClock):
    """A clock that the test moves; pauses take their time."""

    def __init__(self) -> None:
        self.moved = timedelta()
        self.standing: datetime | None = None

    def now(self) -> datetime:
        """The moved time, or that at which it stands."""
        return self.standing or super().now() + self.moved


class World:
    """An Ably and our service in one moved time, whose lives share their Redis."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        keys = (KeySpec(key=KEY), KeySpec(key=DEAF_KEY, capability={"*": ("subscribe",)}))
        spec = AblySpec(keys=keys, persisted={CHANNEL: 3600})
        self.ably = AblyServer(spec, clock=lambda: self.clock.now().timestamp())
        self.store = MemoryProgress()
        self.intake = RecordingIntake()

    def listen(self, **options: Any) -> AbstractAsyncContextManager[ListeningRig]:
        """One life of the service."""
        settings: dict[str, Any] = {"endpoint": self.ably.endpoint, "key": KEY} | options
        accounts = accounts_on(DU1=CHANNEL, DU2=OTHER)
        return listening(accounts, intake=self.intake, store=self.store, clock=self.clock, **settings)

    def publish(self, *numbers: int, channel: str = CHANNEL) -> None:
        """Publish numbered messages."""
        for number in numbers:
            self.ably.publish(channel, {"number": number})

    async def first_life(self, *numbers: int) -> None:
        """Take some messages in, and end."""
        async with self.listen() as rig:
            await rig.wait_health(is_caught_up)
            self.publish(*numbers)
            await self.intake.wait_taken(len(numbers))

    async def taken(self, count: int, account: str = "DU1") -> list[object]:
        """The numbers queued for an account, once so many events are queued for all."""
        events = await self.intake.wait_taken(count)
        return [event.data["number"] for event in events if event.account_id == account]

    def let_pass(self, **duration: float) -> None:
        """Let time pass for everybody."""
        self.clock.moved += timedelta(**duration)


def is_caught_up(report: ComponentReport) -> bool:
    """Whether every channel is attached and its past is read."""
    return set(report.facts["channels"].values()) == {"attached"} and not report.facts["catching_up"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An Ably that keeps the messages of one channel for an hour and those of the other for two minutes."""
    world = World()
    async with world.ably:
        yield world


async def test_an_absence_longer_than_the_rewind_is_read_from_the_history(world: World) -> None:
    """Everything published meanwhile is taken in once, in order, before what comes now; no gap remains."""
    await world.first_life(1, 2)
    world.let_pass(minutes=5)
    world.publish(3, 4)
    world.let_pass(minutes=30)
    world.publish(5)

    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        world.publish(6)
        numbers = await world.taken(6)

    assert numbers == [1, 2, 3, 4, 5, 6]
    assert CHANNEL not in rig.health.report().facts["gaps"]
    assert [channel for channel, _ in rig.missed] == [OTHER], "the other channel's history is too short"


async def test_a_message_that_cannot_be_decoded_does_not_close_the_history(world: World) -> None:
    """It takes its place among the others, as a signal that cannot be read; the SDK alone would fail on it for ever."""
    await world.first_life(1)
    world.let_pass(minutes=30)
    world.publish(2)
    world.ably.publish(CHANNEL, "%%%no", encoding="base64")
    world.publish(3)

    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        events = await world.intake.wait_taken(4)

    assert [event.data.get("number") for event in events] == [1, 2, None, 3]
    assert CHANNEL not in dict(rig.missed)


async def test_an_absence_longer_than_the_retention_is_reported(world: World) -> None:
    """What is still kept is taken in; the time before it is told with its beginning and end, and stays a fact."""
    await world.first_life(1)
    stopped_at = world.clock.now()
    world.let_pass(hours=2)
    world.publish(2)
    world.let_pass(minutes=30)

    async with world.listen() as rig:
        report = await rig.wait_health(lambda report: CHANNEL in report.facts["gaps"] and is_caught_up(report))
        numbers = await world.taken(2)
    async with world.listen() as later:
        again = await later.wait_health(lambda report: CHANNEL in report.facts["gaps"])

    [missed] = [missed for channel, missed in rig.missed if channel == CHANNEL]
    assert numbers == [1, 2]
    assert abs(missed.since - stopped_at) < timedelta(seconds=10)
    assert abs(missed.until - stopped_at - timedelta(hours=2)) < timedelta(seconds=10)
    assert report.state is ComponentState.DEGRADED
    assert f"Signals on channel {CHANNEL} from {missed.since.isoformat()}" in report.detail
    assert report.facts["gaps"][CHANNEL]["to"] == missed.until.isoformat()
    assert again.facts["gaps"][CHANNEL] == report.facts["gaps"][CHANNEL]
    assert later.missed == [], "the second absence was short"


async def test_a_quiet_channel_raises_no_alarm(world: World) -> None:
    """A channel that was listened to until a minute ago is whole, though its last message was yesterday."""
    await world.first_life(1)
    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        world.let_pass(hours=24)
        now = world.clock.now()
        await world.store.wait_until(lambda stored: all(each.heard_until >= now for each in stored.values()))
    world.let_pass(seconds=60)

    async with world.listen() as restarted:
        report = await restarted.wait_health(is_caught_up)

    assert restarted.missed == []
    assert len(world.intake.taken) == 1
    assert datetime.fromisoformat(report.facts["last_message_at"]) < now - timedelta(hours=23), "yesterday's, not ours"


async def test_a_channel_heard_for_the_first_time_has_no_past(world: World) -> None:
    """A new installation takes in what the rewind brings and reports no gap."""
    world.publish(1)
    world.let_pass(minutes=10)
    world.publish(2)

    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        numbers = await world.taken(1)

    assert numbers == [2]
    assert rig.missed == []


async def test_two_channels_are_read_each_for_itself(world: World) -> None:
    """One channel keeps its messages, the other forgot: only the second has a gap."""
    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        world.publish(1)
        world.publish(11, channel=OTHER)
        await world.intake.wait_taken(2)
    world.publish(2)
    world.publish(12, channel=OTHER)
    world.let_pass(minutes=30)

    async with world.listen() as second:
        await second.wait_health(is_caught_up)
        world.publish(13, channel=OTHER)
        await world.intake.wait_taken(4)

    assert await world.taken(4) == [1, 2]
    assert await world.taken(4, "DU2") == [11, 13]
    assert [channel for channel, _ in second.missed] == [OTHER]


async def test_lost_continuity_at_work_is_read_from_the_history(world: World) -> None:
    """An hour of silence that Ably cannot resume costs nothing while the history reaches."""
    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        world.publish(1)
        await world.intake.wait_taken(1)
        await world.ably.refuse()
        await rig.wait_health(lambda report: report.state is ComponentState.DOWN)
        world.ably.forget_connections()
        world.publish(2, 3)
        world.let_pass(minutes=45)
        await world.ably.accept()
        await rig.wait_health(is_caught_up)
        world.publish(4)
        numbers = await world.taken(4)

    assert numbers == [1, 2, 3, 4]
    assert [channel for channel, _ in rig.missed] == [OTHER], "only the other channel's history is too short"


async def test_live_messages_do_not_wait_for_a_history_that_is_refused(world: World) -> None:
    """A key that may not read history is told; live signals go on at once; when it may, all is taken in."""
    await world.first_life(1)
    world.publish(2)
    world.let_pass(minutes=30)

    async with world.listen(key=DEAF_KEY, timing=replace(SHORT, hold_seconds=600)) as deaf:
        refused = await deaf.wait_health(lambda report: CHANNEL in report.facts["history_errors"])
        world.publish(3)
        without = await world.taken(2)
    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        numbers = await world.taken(3)

    assert refused.state is ComponentState.DEGRADED
    assert "give the key the capability history" in refused.detail
    assert (without, numbers) == ([1, 3], [1, 3, 2])
    assert [channel for channel, _ in rig.missed] == [OTHER]


async def test_a_history_that_comes_back_in_time_keeps_the_order(world: World) -> None:
    """While REST refuses, live messages wait; when it answers, the missed ones are taken in before them."""
    await world.first_life(1)
    world.publish(2)
    world.let_pass(minutes=30)

    world.store.open.clear()
    async with world.listen() as rig:
        await rig.wait_attached()
        world.ably.set_unavailable()
        world.store.open.set()
        report = await rig.wait_health(lambda report: CHANNEL in report.facts["history_errors"])
        world.publish(3)
        world.ably.set_unavailable(unavailable=False)
        numbers = await world.taken(3)

    assert numbers == [1, 2, 3]
    assert f"The history of channel {CHANNEL} cannot be read" in report.detail


async def test_reading_the_history_leaves_the_channels_attached(world: World) -> None:
    """A realtime client would attach every channel anew for each page; the client for the history is another one."""
    await world.first_life(1)
    world.let_pass(minutes=30)
    world.publish(*range(2, 1203))

    async with world.listen() as rig:
        await world.intake.wait_taken(1202)
        await rig.wait_health(is_caught_up)

    attaching = [past.facts["channels"][CHANNEL] for past in rig.reports]
    assert sum(before != now for before, now in itertools.pairwise(attaching) if now == "attached") == 1
    assert rig.interruptions == []


async def test_more_of_one_moment_than_is_read_at_once_comes_to_an_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on by time, which does not move there: such a moment is read through to its end."""
    monkeypatch.setattr(ably_history, "PAGE", 7)
    await world.first_life(0)
    world.clock.standing = world.clock.now()
    world.publish(*range(1, 91))
    world.clock.standing = None
    world.publish(*range(91, 100))
    world.let_pass(minutes=30)

    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        numbers = await world.taken(100)

    assert numbers == list(range(100))


async def test_a_long_history_is_read_page_by_page(world: World) -> None:
    """Twelve hundred messages come in their order, each once."""
    await world.first_life(0)
    world.publish(*range(1, 1200))
    world.let_pass(minutes=30)

    async with world.listen() as rig:
        await rig.wait_health(is_caught_up)
        numbers = await world.taken(1200)

    assert numbers == list(range(1200))
