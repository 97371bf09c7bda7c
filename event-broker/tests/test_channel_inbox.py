"""One order for what is read from the history and what comes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_router import ChannelRouter
from event_broker.testing.listening_rig import accounts_on
from event_broker.testing.recording_intake import Offer, RecordingIntake
from event_broker.trigger import Trigger
from event_queue.errors import QueueClosed, QueueError
from event_queue.progress import Progress
from service_runtime.clock import SystemClock

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Line:
    """An inbox at work, what it queued and how far it got."""

    def __init__(self) -> None:
        self.intake = RecordingIntake()
        self.reached: list[Progress] = []
        router = ChannelRouter(self.intake, accounts_on(DU1="growth"), SystemClock(), retry_seconds=0.001)
        self.inbox = ChannelInbox(router, self._note)
        self.stopping = asyncio.Event()
        self._notes: asyncio.Queue[Progress] = asyncio.Queue()

    async def progressed(self) -> Progress:
        """The next step that was reached."""
        return await asyncio.wait_for(self._notes.get(), 5)

    def _note(self, progress: Progress) -> None:
        self.reached.append(progress)
        self._notes.put_nowait(progress)

    async def taken(self, count: int) -> list[int]:
        """The numbers of the messages taken, once there are so many."""
        return [int(str(event.data["number"])) for event in await self.intake.wait_taken(count)]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """An inbox that runs until the test ends."""
    line = Line()
    async with asyncio.TaskGroup() as group:
        group.create_task(line.inbox.run_until(line.stopping))
        yield line
        line.stopping.set()


def message(number: int, *, message_id: str | None = "") -> Trigger:
    """A message published `number` seconds after the beginning, received a minute later."""
    sent_at = NOW + timedelta(seconds=number)
    name = f"m{number}" if message_id == "" else message_id
    return Trigger("growth", name, {"number": number}, sent_at + timedelta(minutes=1), sent_at)


def numbered(*numbers: int) -> list[Trigger]:
    """Some messages."""
    return [message(number) for number in numbers]


async def test_live_messages_wait_for_the_history_and_follow_it_once(line: Line) -> None:
    """What is in both counts once, and all of it is taken in by its time."""
    line.inbox.hold()
    for trigger in numbered(3, 4, 5):
        line.inbox.put(trigger)
    held = line.inbox.backlog

    line.inbox.settle(numbered(1, 2, 3, 4), heard_until=NOW + timedelta(minutes=5))

    assert held == 3
    assert await line.taken(5) == [1, 2, 3, 4, 5]
    assert len(line.intake.offers) == 5


async def test_a_rewound_message_older_than_the_history_comes_first(line: Line) -> None:
    """The order is that of publishing, wherever a message was read."""
    line.inbox.hold()
    for trigger in numbered(1, 4):
        line.inbox.put(trigger)

    line.inbox.settle(numbered(2, 3), heard_until=NOW)

    assert await line.taken(4) == [1, 2, 3, 4]


async def test_messages_without_an_id_are_all_kept(line: Line) -> None:
    """Nothing tells them from each other, so none is taken for a repetition."""
    line.inbox.hold()
    line.inbox.put(message(1, message_id=None))

    line.inbox.settle([message(1, message_id=None)], heard_until=NOW)

    assert await line.taken(2) == [1, 1]


async def test_progress_follows_each_message(line: Line) -> None:
    """After each message its id and time, and when it came: live ones by our clock."""
    for trigger in numbered(1, 2):
        line.inbox.put(trigger)
    await line.progressed()
    await line.progressed()

    assert [each.message_id for each in line.reached] == ["m1", "m2"]
    assert line.reached[-1].message_at == NOW + timedelta(seconds=2)
    assert line.reached[-1].heard_until == NOW + timedelta(seconds=62)


async def test_progress_stands_still_while_a_gap_is_open(line: Line) -> None:
    """Live messages that were let go do not move it; the history that comes at last moves it past all of them."""
    line.inbox.hold()
    line.inbox.put(message(8))
    line.inbox.let_go()
    line.inbox.put(message(9))
    before = await line.taken(2)
    line.inbox.heard(NOW + timedelta(hours=1))
    standing = list(line.reached)

    line.inbox.settle(numbered(1, 2), heard_until=NOW + timedelta(minutes=9))
    await line.progressed()
    after = await line.taken(4)

    assert (before, after) == ([8, 9], [8, 9, 1, 2])
    assert standing == []
    assert line.reached == [Progress(NOW + timedelta(minutes=9), "m9", NOW + timedelta(seconds=9))]


async def test_silence_is_progress_only_when_nothing_waits(line: Line) -> None:
    """A sign of life while messages wait says nothing about those."""
    line.intake.open.clear()
    line.inbox.put(message(1))
    line.inbox.heard(NOW + timedelta(hours=1))
    waiting = list(line.reached)
    line.intake.open.set()
    await line.progressed()
    line.stopping.set()

    line.inbox.heard(NOW + timedelta(hours=2))
    line.inbox.hold()
    line.inbox.heard(NOW + timedelta(hours=3))

    assert waiting == []
    assert [each.heard_until for each in line.reached] == [NOW + timedelta(seconds=61), NOW + timedelta(hours=2)]


async def test_what_lay_in_the_line_when_redis_lost_its_past_moves_no_progress(line: Line) -> None:
    """What was lost may have come before it: it is taken in, and the history is read from further back."""
    line.intake.open.clear()
    for trigger in numbered(5, 6):
        line.inbox.put(trigger)
    line.inbox.past_lost()
    line.inbox.hold()
    line.intake.open.set()
    await line.taken(2)
    line.inbox.settle(numbered(3, 4, 5), heard_until=NOW)
    await line.taken(4)
    reached = await line.progressed()

    assert reached.message_id == line.reached[0].message_id == "m3"
    assert [offer.message.sent_at is None for offer in line.intake.offers if offer.message] == [
        True,
        True,
        False,
        False,
        False,
    ]


async def test_what_is_refused_by_a_redis_that_lost_its_past_moves_no_progress_when_it_is_taken(line: Line) -> None:
    """Nor does history learn from it that everything before was taken in: the next loss would be read from there."""

    def refuse_first(_: Offer) -> QueueError | None:
        if len(line.intake.offers) > 1:
            return None
        line.inbox.past_lost()
        return QueueClosed("it was emptied")

    line.intake.refuse = refuse_first
    line.inbox.put(message(5))
    await line.taken(1)
    line.inbox.put(message(6))
    reached = await line.progressed()

    sent = [offer.message.sent_at for offer in line.intake.offers if offer.message]
    assert sent == [message(5).sent_at, None, message(6).sent_at]
    assert reached.message_id == "m6"
