"""One message, one event for each account, offered until it is taken."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
import structlog
from structlog.testing import capture_logs

from event_broker.channel_router import ChannelRouter
from event_broker.testing.listening_rig import accounts_on
from event_broker.testing.recording_intake import Offer, RecordingIntake
from event_broker.trigger import Trigger
from event_queue.errors import CorruptQueue, QueueError, QueueFull, QueueUnavailable
from event_queue.events import Command
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import Duplicate, Remembered

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNTS = accounts_on(DU3="growth", DU1="growth", DU2="income")


class SteppingClock:
    """Counts pauses instead of waiting."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def now(self) -> datetime:
        """The same moment for ever."""
        return NOW

    async def pause(self, seconds: float) -> None:
        """Pass at once."""
        self.pauses.append(seconds)


@pytest.fixture
def intake() -> RecordingIntake:
    """An empty intake."""
    return RecordingIntake()


@pytest.fixture
def clock() -> SteppingClock:
    """A clock whose pauses pass at once."""
    return SteppingClock()


@pytest.fixture
def router(intake: RecordingIntake, clock: SteppingClock) -> ChannelRouter:
    """A router over three accounts on two channels."""
    structlog.reset_defaults()
    return ChannelRouter(intake, ACCOUNTS, clock, retry_seconds=2)


def message(payload: object, *, channel: str = "growth", message_id: str | None = "abc:0") -> Trigger:
    """A message that has just come."""
    return Trigger(channel, message_id, payload, NOW)


async def test_each_account_on_the_channel_gets_an_event(router: ChannelRouter, intake: RecordingIntake) -> None:
    """Two accounts share a channel: two events, in the order of the file, with ids of their own."""
    await router.route(message({"exec": "rebalance"}))

    assert [event.account_id for event in intake.taken] == ["DU3", "DU1"]
    assert {event.exec_command for event in intake.taken} == {Command.REBALANCE}
    assert {event.created_at for event in intake.taken} == {NOW}
    assert len({event.event_id for event in intake.taken}) == 2
    assert {(offer.message, offer.remember_while_in_flight) for offer in intake.offers} == {
        (InboundMessage("growth", "abc:0"), True)
    }


@pytest.mark.parametrize("error", [QueueUnavailable("gone"), QueueFull("full"), CorruptQueue("odd")])
async def test_a_refused_event_is_offered_again_unchanged(
    router: ChannelRouter, intake: RecordingIntake, clock: SteppingClock, error: QueueError
) -> None:
    """Whatever the queue's trouble, the same event is offered after a fixed pause until it is taken."""
    troubles: list[str | None] = []

    def refuse(_: Offer) -> QueueError | None:
        troubles.append(router.trouble)
        return error if len(intake.offers) <= 3 else None

    intake.refuse = refuse

    await router.route(message({}, channel="income"))

    assert troubles == [None, *[f"{type(error).__name__}: {error}"] * 3]
    assert router.trouble is None
    assert len({offer.event.event_id for offer in intake.offers}) == 1
    assert len(intake.offers) == 4
    assert clock.pauses == [2, 2, 2]


async def test_one_account_in_trouble_leaves_the_others_alone(router: ChannelRouter, intake: RecordingIntake) -> None:
    """The account after the one in trouble is queued at once, and is not offered a second time."""

    def refuse(offer: Offer) -> QueueError | None:
        return QueueUnavailable("gone") if offer.event.account_id == "DU3" and len(intake.offers) < 3 else None

    intake.refuse = refuse

    await router.route(message({}))

    assert [offer.event.account_id for offer in intake.offers] == ["DU3", "DU1", "DU3"]
    assert [event.account_id for event in intake.taken] == ["DU1", "DU3"]


async def test_a_message_without_an_id_is_never_taken_for_another(
    router: ChannelRouter, intake: RecordingIntake
) -> None:
    """Without an id there is nothing to recognise a message by, so each counts."""
    await router.route(message({"n": 1}, channel="income", message_id=None))
    await router.route(message({"n": 2}, channel="income", message_id=None))

    assert [offer.message for offer in intake.offers] == [None, None]
    assert len(intake.taken) == 2


async def test_a_channel_without_accounts_is_told(router: ChannelRouter, intake: RecordingIntake) -> None:
    """A message that concerns nobody is logged and queues nothing."""
    with capture_logs() as logs:
        await router.route(message({}, channel="elsewhere"))

    assert intake.offers == []
    assert [log["event"] for log in logs] == ["message_without_account"]


async def test_junk_is_told_and_queued_as_a_dry_run(router: ChannelRouter, intake: RecordingIntake) -> None:
    """An unreadable payload still leads to an event that shows it."""
    with capture_logs() as logs:
        await router.route(message("rebalance!", channel="income"))

    [event] = intake.taken
    assert event.exec_command is Command.PRINT_REBALANCE
    assert event.data == {"problem": "data: is not JSON", "raw": "rebalance!"}
    assert [log["event"] for log in logs] == ["message_unreadable", "event_queued"]


async def test_every_outcome_is_told_with_its_ids(router: ChannelRouter, intake: RecordingIntake) -> None:
    """Queued, duplicate, remembered and seen before are four different lines that name event, account and twin."""
    twin = uuid4()
    with capture_logs() as logs:
        await router.route(message({}, channel="income", message_id="1"))
        intake.answer = lambda _: Duplicate(twin)
        await router.route(message({}, channel="income", message_id="2"))
        intake.answer = lambda _: Remembered(twin)
        await router.route(message({}, channel="income", message_id="3"))
        await router.route(message({}, channel="income", message_id="3"))

    names = ["event_queued", "event_duplicate", "event_remembered", "message_already_seen"]
    assert [log["event"] for log in logs] == names
    assert (logs[1]["of"], logs[2]["until"]) == (str(twin), str(twin))
    assert {log["account_id"] for log in logs} == {"DU2"}
    assert [log["message_id"] for log in logs] == ["1", "2", "3", "3"]
