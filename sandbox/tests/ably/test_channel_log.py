"""What a channel remembers, without a network."""

from collections.abc import Sequence

import pytest

from sandbox.ably.attachment import attachment
from sandbox.ably.channel_log import MAX_KEPT_MESSAGES, ChannelLog, HistoryQuery
from sandbox.ably.messages import Data, Draft, Message


class Clock:
    """Epoch seconds, moved by hand."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def log(clock: Clock) -> ChannelLog:
    """A channel that remembers for a minute."""
    return ChannelLog("growth", 60, clock)


def publish(log: ChannelLog, *texts: str) -> None:
    """Publish each text by itself."""
    for text in texts:
        log.append([Draft(text)], publish_id=f"c:{log.last_number}", connection_id=None)


def texts(messages: Sequence[Message] | None) -> list[Data]:
    """The payloads."""
    return [message.draft.data for message in messages or ()]


def test_forgotten_messages_break_continuity(log: ChannelLog, clock: Clock) -> None:
    """A place in front of forgotten messages cannot be resumed from; the place behind them can."""
    publish(log, "a", "b")
    clock.seconds += 61
    publish(log, "c")

    assert log.after(1) is None
    assert texts(log.after(2)) == ["c"]
    assert log.after(3) == []
    assert log.after(4) is None


def test_silence_does_not_break_continuity(log: ChannelLog, clock: Clock) -> None:
    """Nothing was missed if nothing was published, however much was forgotten."""
    publish(log, "a")
    clock.seconds += 61

    assert log.after(1) == []


def test_attachment_without_continuity_ignores_the_serial(log: ChannelLog) -> None:
    """A new connection starts at the end, even when the messages are still there."""
    publish(log, "a", "b")

    lost = attachment(log, log.serial(1), {}, continuous=False)
    kept = attachment(log, log.serial(1), {"rewind": "2m"}, continuous=True)

    assert (lost.number, lost.backlog, lost.resumed) == (2, (), False)
    assert (kept.number, texts(kept.backlog), kept.resumed) == (1, ["b"], True)


def test_number_of_messages_is_bounded(log: ChannelLog) -> None:
    """The oldest message makes room when there are too many."""
    publish(log, *(str(number) for number in range(MAX_KEPT_MESSAGES + 1)))

    page, more = log.page(HistoryQuery(direction="forwards", limit=1))

    assert texts(page) == ["1"]
    assert more


def test_history_until_a_place(log: ChannelLog) -> None:
    """History can end at the place where a client attached."""
    publish(log, "a", "b", "c")

    page, more = log.page(HistoryQuery(until=2))

    assert (texts(page), more) == (["b", "a"], False)


def test_batch_keeps_its_order_and_its_repetitions(log: ChannelLog) -> None:
    """In a batch only the new messages are added; the answer has one message for every draft."""
    log.append([Draft("a", id="x")], publish_id="p:0", connection_id=None)

    appended = log.append([Draft("b"), Draft("again", id="x"), Draft("c")], publish_id="p:1", connection_id=None)

    assert texts(appended.published) == ["b", "a", "c"]
    assert texts(appended.added) == ["b", "c"]
