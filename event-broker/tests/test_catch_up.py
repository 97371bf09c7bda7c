"""Closing gaps of one channel, with a history that the test writes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from event_broker.ably_client import AblyFault
from event_broker.ably_history import Past
from event_broker.catch_up import CatchUp, Means, start_of
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_router import ChannelRouter
from event_broker.errors import HistoryRefused, HistoryUnavailable
from event_broker.history_health import HistoryHealth
from event_broker.progress_book import ProgressBook
from event_broker.safekeeping import NotKept, Safekeeping
from event_broker.testing.listening_rig import SHORT, accounts_on
from event_broker.testing.memory_progress import MemoryProgress
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.trigger import Trigger
from event_broker.until_stopped import until_stopped
from event_queue.progress import MissedStretch, Progress
from service_runtime.clock import SystemClock

CHANNEL = "growth"


class ScriptedHistory:
    """Gives the answers put into it, one for each reading; a reading waits for its answer."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Past | HistoryUnavailable] = asyncio.Queue()
        self.asked: asyncio.Queue[datetime] = asyncio.Queue()

    async def read(self, channel: str, since: datetime) -> Past:
        """The next answer."""
        assert channel == CHANNEL
        self.asked.put_nowait(since)
        answer = await self.answers.get()
        if isinstance(answer, HistoryUnavailable):
            raise answer
        return answer


class Line:
    """One channel whose past is scripted."""

    def __init__(self, known: Progress | None, *, hold_seconds: float, safe: Safekeeping | None = None) -> None:
        clock = SystemClock()
        self.store = MemoryProgress({CHANNEL: known} if known else None)
        self.history = ScriptedHistory()
        self.intake = RecordingIntake()
        self.health = HistoryHealth()
        self.missed: list[MissedStretch] = []
        self.book = ProgressBook(self.store, [CHANNEL], clock)
        router = ChannelRouter(self.intake, accounts_on(DU1=CHANNEL), clock)
        self.inbox = ChannelInbox(router, lambda progress: self.book.reached(CHANNEL, progress), safe)
        timing = replace(SHORT, retry_seconds=0.001, hold_seconds=hold_seconds)
        means = Means(self.history, self.book, self.health, clock, timing, KEPT_FOR, self._note)
        self.catch_up = CatchUp(CHANNEL, self.inbox, means)

    async def run_until(self, stopping: asyncio.Event) -> None:
        """Everything that works on the channel."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.inbox.run_until(stopping))
            group.create_task(until_stopped(stopping, self.book.run))
            group.create_task(until_stopped(stopping, self.catch_up.run))

    async def asked(self) -> datetime:
        """The next reading has begun; from when on."""
        return await asyncio.wait_for(self.history.asked.get(), 5)

    async def taken(self, count: int) -> list[object]:
        """Numbers queued, once there are so many."""
        return [event.data["number"] for event in await self.intake.wait_taken(count)]

    def _note(self, _channel: str, missed: MissedStretch) -> None:
        self.missed.append(missed)


KEPT_FOR = timedelta(days=1)
"""Longer than any test run, for NOW is the moment at which this file was read."""
NOW = SystemClock().now()
KNOWN = Progress(NOW - timedelta(seconds=60), "m0", NOW - timedelta(seconds=60))
REFUSED = HistoryRefused(CHANNEL, AblyFault(40160, "not permitted"))


def message(number: int) -> Trigger:
    """The last message known is number 0; each was published a second after the one before."""
    sent_at = NOW + timedelta(seconds=number - 60)
    return Trigger(CHANNEL, f"m{number}", {"number": number}, sent_at, sent_at)


def past(*numbers: int, is_complete: bool = True) -> Past:
    """An answer."""
    return Past(tuple(message(number) for number in numbers), is_complete)


@pytest.fixture
def hold_seconds() -> float:
    """For how long live messages wait."""
    return 60


@pytest.fixture
async def line(hold_seconds: float) -> AsyncIterator[Line]:
    """A channel at work."""
    line, stopping = Line(KNOWN, hold_seconds=hold_seconds), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        yield line
        stopping.set()


async def test_a_long_past_is_read_on_from_its_last_message(line: Line) -> None:
    """Each part is taken in while the next is read; live messages follow the last."""
    line.catch_up.begin()
    at_once = line.health.facts(str)["catching_up"]
    since = await line.asked()
    line.inbox.put(message(9))
    line.history.answers.put_nowait(past(0, 1, 2, is_complete=False))
    on = await line.asked()
    before = await line.taken(3)
    line.history.answers.put_nowait(past(2, 3))

    assert at_once == [CHANNEL], "nobody takes an attached channel for one whose past is read"
    assert since == KNOWN.message_at - timedelta(seconds=5) if KNOWN.message_at else None
    assert on == message(2).moment
    assert before == [0, 1, 2]
    assert await line.taken(5) == [0, 1, 2, 3, 9]
    assert line.missed == []


async def test_a_channel_lost_again_while_its_past_is_read_is_read_again(line: Line) -> None:
    """What was read before the second loss says nothing about the time after it."""
    line.catch_up.begin()
    await line.asked()
    line.inbox.put(message(2))
    line.catch_up.begin()
    line.history.answers.put_nowait(past(0, 1))
    await line.asked()
    held = (line.inbox.is_holding, list(line.intake.taken))
    line.history.answers.put_nowait(past(0, 1, 2, 3))

    assert held == (True, [])
    assert await line.taken(4) == [0, 1, 2, 3]


async def test_a_past_lost_while_a_long_history_is_read_is_read_from_its_beginning(line: Line) -> None:
    """No part that was on its way moves the progress beyond what Redis has lost."""
    line.catch_up.begin()
    await line.asked()
    line.book.past_lost(None)
    line.inbox.past_lost()
    line.catch_up.begin()
    line.history.answers.put_nowait(past(20, 21, is_complete=False))
    since = await line.asked()
    line.history.answers.put_nowait(past(1, 20, 21))

    assert since == start_of(KNOWN)
    assert await line.taken(3) == [1, 20, 21]


async def test_a_history_that_fails_is_told_once_and_asked_again(line: Line) -> None:
    """At fixed pauses, and the report names it until it answers."""
    fault = HistoryUnavailable(CHANNEL, AblyFault(50003, "no answer"))
    with capture_logs() as logs:
        line.catch_up.begin()
        for _ in range(3):
            await line.asked()
            line.history.answers.put_nowait(fault)
        await line.asked()
        facts = line.health.facts(str)
        complaints = list(line.health.complaints(NOW))
        line.history.answers.put_nowait(past(0, 1))
        await line.taken(2)

    assert [log["event"] for log in logs if log["event"].startswith("history")] == ["history_not_read", "history_read"]
    assert facts["history_errors"] == {CHANNEL: "50003 no answer"}
    assert complaints == [f"The history of channel {CHANNEL} cannot be read (50003 no answer); trying again."]
    assert list(line.health.complaints(NOW)) == []


@pytest.mark.parametrize("hold_seconds", [0.05])
async def test_each_wait_for_the_history_is_bounded(line: Line) -> None:
    """Live messages go on after every loss, although the first history has never come; progress waits for it."""
    line.catch_up.begin()
    await line.asked()
    line.inbox.put(message(5))
    first = await line.taken(1)
    line.catch_up.begin()
    line.inbox.put(message(6))
    second = await line.taken(2)
    standing = await line.book.known(CHANNEL)
    line.history.answers.put_nowait(past(0, 1))
    line.history.answers.put_nowait(past(0, 1, 5, 6))
    await line.store.wait_until(lambda stored: stored[CHANNEL].message_id == "m6")

    assert (first, second) == ([5], [5, 6])
    assert standing == KNOWN
    assert await line.taken(4) == [5, 6, 0, 1]


async def test_what_no_history_holds_is_reported_and_kept(line: Line) -> None:
    """Once to the hook, in health, and with the progress."""
    line.catch_up.begin()
    await line.asked()
    line.history.answers.put_nowait(past())
    await line.store.wait_until(lambda stored: stored[CHANNEL].missed is not None)

    [missed] = line.missed
    assert missed.since == KNOWN.heard_until
    assert missed.until <= SystemClock().now()
    assert line.store.progress[CHANNEL].missed == missed
    assert line.health.facts(str)["gaps"][CHANNEL]["from"] == missed.since.isoformat()


async def test_a_refused_history_holds_nothing_back(line: Line) -> None:
    """Live messages go on at once and in order, after a reconnect too, and progress waits for the history."""
    line.catch_up.begin()
    await line.asked()
    line.inbox.put(message(5))
    line.inbox.put(message(6))
    line.history.answers.put_nowait(REFUSED)
    first = await line.taken(2)
    line.catch_up.begin()
    line.inbox.put(message(7))
    second = await line.taken(3)
    line.inbox.heard(SystemClock().now())
    standing = await line.book.known(CHANNEL)

    assert (first, second) == ([5, 6], [5, 6, 7])
    assert standing == KNOWN
    assert line.health.facts(str)["history_errors"] == {CHANNEL: "40160 not permitted"}


async def test_a_history_that_is_refused_no_more_fills_the_gap(line: Line) -> None:
    """It is asked again from the same place; then progress goes on, and the next loss is waited for as ever."""
    line.catch_up.begin()
    since = await line.asked()
    line.inbox.put(message(5))
    line.history.answers.put_nowait(REFUSED)
    again = await line.asked()
    line.history.answers.put_nowait(past(0, 1, 5))
    await line.store.wait_until(lambda stored: stored[CHANNEL].message_id == "m5")
    line.catch_up.begin()

    assert again == since
    assert await line.taken(3) == [5, 0, 1]
    assert line.inbox.is_holding
    assert line.missed == []


async def test_waiting_for_redis_does_not_count_as_waiting_for_the_history() -> None:
    """The queue is in Redis, so until it answers nothing is gained by letting live messages go before their past."""
    line, stopping = Line(KNOWN, hold_seconds=0), asyncio.Event()
    line.store.open.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        line.catch_up.begin()
        line.inbox.put(message(5))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.history.asked.get(), 0.05)
        held = line.inbox.is_holding
        line.store.open.set()
        numbers = await line.taken(1)
        stopping.set()

    assert held
    assert numbers == [5]


class Left(NotKept):
    """One message that an earlier process left on disk."""

    def kept(self) -> list[Trigger]:
        """The message."""
        return [message(9)]


async def test_what_an_earlier_process_left_waits_for_what_came_before_it() -> None:
    """The history is read from the known progress on, although no channel is attached; then all goes by its time."""
    line, stopping = Line(KNOWN, hold_seconds=60, safe=Left()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        since = await line.asked()
        before = list(line.intake.taken)
        line.history.answers.put_nowait(past(0, 7, 8, 9))
        numbers = await line.taken(4)
        await line.store.wait_until(lambda stored: stored[CHANNEL].message_id == "m9")
        stopping.set()

    assert since == start_of(KNOWN)
    assert before == []
    assert numbers == [0, 7, 8, 9]
    assert line.missed == []


async def test_what_an_earlier_process_left_moves_no_progress_while_the_history_is_away() -> None:
    """It is let through after a while, and whoever comes next still reads from before it."""
    line, stopping = Line(KNOWN, hold_seconds=0.01, safe=Left()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        numbers = await line.taken(1)
        line.inbox.put(message(10))
        await line.taken(2)
        line.inbox.heard(SystemClock().now())
        stopping.set()

    assert numbers == [9]
    assert [offer.message.sent_at for offer in line.intake.offers if offer.message] == [None, None]
    assert await line.book.known(CHANNEL) == KNOWN


async def test_what_an_earlier_process_left_is_where_an_unknown_channel_is_read_from() -> None:
    """Redis never knew the channel, so only the messages themselves tell since when it was heard."""
    line, stopping = Line(None, hold_seconds=60, safe=Left()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        line.catch_up.begin()
        since = await line.asked()
        line.history.answers.put_nowait(past(9, 10))
        numbers = await line.taken(2)
        stopping.set()

    assert since == message(9).moment - timedelta(seconds=5)
    assert numbers == [9, 10]
    assert line.missed == []


class LeftLate(NotKept):
    """The same message, on a disk that can be read only later."""

    is_readable = False

    def kept(self) -> list[Trigger]:
        """The message, when the disk can be read."""
        return [message(9)] if self.is_readable else []


@pytest.mark.parametrize(("known", "since"), [(None, message(9).moment - timedelta(seconds=5)), (KNOWN, None)])
async def test_what_an_earlier_process_left_is_ordered_by_its_time_when_it_is_found_late(
    known: Progress | None, since: datetime | None
) -> None:
    """The history is read once more, for an unknown channel from the message that was found; what comes live waits."""
    safe = LeftLate()
    line, stopping = Line(known, hold_seconds=60, safe=safe), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        safe.is_readable = True
        line.catch_up.begin_with_left()
        line.inbox.put(message(11))
        asked = await line.asked()
        line.history.answers.put_nowait(past(8, 10))
        numbers = await line.taken(4)
        await line.store.wait_until(lambda stored: stored.get(CHANNEL, Progress(asked)).message_id == "m11")
        stopping.set()

    assert asked == (since or start_of(KNOWN))
    assert numbers == [8, 9, 10, 11]


async def test_an_unknown_channel_lost_twice_before_redis_answers_is_read_from_its_first_moment() -> None:
    """What came between the two is in no line, and Redis does not know since when to ask."""
    line, stopping = Line(None, hold_seconds=60), asyncio.Event()
    line.store.open.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        first_at = SystemClock().now()
        line.catch_up.begin()
        line.catch_up.begin()
        line.store.open.set()
        since = await line.asked()
        line.history.answers.put_nowait(past(9, 10))
        numbers = await line.taken(2)
        stopping.set()

    assert timedelta() <= since + timedelta(minutes=2) - first_at < timedelta(seconds=30)
    assert numbers == [9, 10]


async def test_a_gap_that_a_failure_left_open_is_closed_by_the_next_run() -> None:
    """Whatever ended the reading, it begins again without another loss."""
    line, stopping = Line(KNOWN, hold_seconds=60), asyncio.Event()
    line.catch_up.begin()
    async with asyncio.TaskGroup() as group:
        group.create_task(until_stopped(stopping, line.book.run))
        failed = group.create_task(line.catch_up.run())
        await line.asked()
        failed.cancel()
        group.create_task(until_stopped(stopping, line.catch_up.run))
        since = await line.asked()
        stopping.set()

    assert since == start_of(KNOWN)


async def test_a_silent_channel_of_which_only_a_clock_set_back_tells_is_read_as_far_as_ably_keeps_it() -> None:
    """When it was heard last lies in the future now, and no message tells where to begin."""
    known = Progress(SystemClock().now() + timedelta(hours=1))
    line, stopping = Line(known, hold_seconds=60), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.run_until(stopping))
        attached_at = SystemClock().now()
        line.catch_up.begin()
        since = await line.asked()
        line.history.answers.put_nowait(past(9))
        numbers = await line.taken(1)
        await line.store.wait_until(lambda stored: stored[CHANNEL].message_id == "m9")
        line.inbox.heard(attached_at)
        await line.store.wait_until(lambda stored: stored[CHANNEL].heard_until == attached_at)
        stopping.set()

    assert timedelta() <= since + KEPT_FOR - attached_at < timedelta(seconds=30)
    assert numbers == [9]
