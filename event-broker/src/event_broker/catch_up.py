"""What one channel carried while nobody listened is read from the history and taken in, before what comes now.

Log events: history_read (messages=), history_not_read (reason=), live_before_history (reason=),
signals_may_be_missed (since=, until=).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from event_broker.ably_history import History, Past
from event_broker.channel_inbox import ChannelInbox
from event_broker.errors import HistoryRefused, HistoryUnavailable
from event_broker.history_health import HistoryHealth
from event_broker.missed import missed_stretch, was_set_back
from event_broker.progress_book import ProgressBook
from event_broker.settings import AblyTiming
from event_queue.progress import MissedStretch, Progress
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

_BEFORE_MESSAGE: Final = timedelta(seconds=5)
"""Messages of almost the same time may have changed places."""
_BEFORE_SILENCE: Final = timedelta(minutes=2)
"""Where no message is known, only our own clock says since when."""

OnMissed = Callable[[str, MissedStretch], None]
"""Called with the channel whenever messages may be missing for good; the place for notifications."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all channels share for reading their past."""

    history: History
    book: ProgressBook
    health: HistoryHealth
    clock: Clock
    timing: AblyTiming
    retention: timedelta
    on_missed: OnMissed


class CatchUp:
    """Closes each gap of one channel."""

    def __init__(self, channel: str, inbox: ChannelInbox, means: Means) -> None:
        """Take the channel, where its messages go, and how to read its past."""
        self._channel = channel
        self._inbox = inbox
        self._means = means
        self._wanted = asyncio.Event()
        self._attached_at: datetime | None = None
        """When the gap that is open now was last found; None while none is."""
        self._heard_since = _since(inbox)
        """The beginning of the open gap, as far as this process and an earlier one's messages know of it."""
        self._limit: asyncio.TimerHandle | None = None
        self._told = ""
        self._is_refused = False

    def begin(self) -> None:
        """The channel is attached without its past: keep live messages back from now on, for a bounded time.

        Not while Ably refuses the history: what waits in memory would die with the process, and nothing could bring
        it back.
        """
        if not self._is_refused:
            self._inbox.hold()
            if self._means.book.is_loaded:
                self._limit_hold()
        if self._attached_at is None:
            self._means.health.is_reading(self._channel)
        else:
            self._heard_since = self._heard_since or Progress(self._attached_at)
        self._attached_at = self._means.clock.now()
        self._wanted.set()

    def begin_with_left(self) -> None:
        """An earlier process turns out to have left messages: read what came besides them."""
        self._inbox.find_left()
        self._heard_since = _earlier(self._heard_since, _since(self._inbox))
        self.begin()

    async def run(self) -> None:
        """Close every gap, one after the other, until cancelled; what was left open is closed first."""
        if self._inbox.lacks_history and not self._wanted.is_set():
            self.begin()
        try:
            while True:
                await self._wanted.wait()
                await self._close_gap()
        finally:
            self._end_limit()

    async def _close_gap(self) -> None:
        means, channel = self._means, self._channel
        means.health.is_reading(channel)
        known = await means.book.known(channel) or self._heard_since
        self._wanted.clear()
        attached_at = self._attached_at or means.clock.now()
        self._limit_hold()
        if known is None:
            self._inbox.settle((), heard_until=attached_at)
        elif not await self._read_since(known, attached_at):
            return
        self._end_limit()
        self._attached_at = self._heard_since = None
        means.health.is_read(channel)
        self._told = ""

    async def _read_since(self, known: Progress, attached_at: datetime) -> bool:
        """Hand over what was missed; False when channel or Redis lost more meanwhile: then it is read once more."""
        means, channel = self._means, self._channel
        if known.missed:
            means.health.may_have_missed(channel, known.missed)
        past = await self._read(self._start_of(known, attached_at))
        missed = missed_stretch(
            known, past.messages, attached_at=attached_at, read_at=means.clock.now(), retention=means.retention
        )
        count = len(past.messages)
        while not (past.is_complete or self._wanted.is_set()):
            self._inbox.put_past(past.messages)
            past = await self._read(past.messages[-1].moment)
            count += len(past.messages)
        if self._wanted.is_set():
            return False
        self._inbox.settle(past.messages, heard_until=attached_at)
        _log.info("history_read", channel=channel, since=known.heard_until.isoformat(), messages=count)
        if missed is not None:
            self._report(missed)
        return True

    def _start_of(self, known: Progress, attached_at: datetime) -> datetime:
        """From when on to read; all that Ably keeps, where only a clock that was set back tells of the channel."""
        if known.message_at is None and was_set_back(known, attached_at):
            return attached_at - self._means.retention
        return start_of(known)

    async def _read(self, since: datetime) -> Past:
        """Read until it succeeds, at fixed pauses; live messages wait for no history that is refused."""
        while True:
            try:
                past = await self._means.history.read(self._channel, since)
            except HistoryUnavailable as error:
                self._is_refused = isinstance(error, HistoryRefused)
                self._tell(error)
                if self._is_refused:
                    self._stop_holding("the history is refused")
            else:
                self._is_refused = False
                return past
            await self._means.clock.pause(self._means.timing.retry_seconds)

    def _tell(self, error: HistoryUnavailable) -> None:
        self._means.health.is_reading(self._channel, error.fault)
        if str(error) != self._told:
            pause = self._means.timing.retry_seconds
            _log.warning("history_not_read", channel=self._channel, reason=str(error), retry_seconds=pause)
        self._told = str(error)

    def _report(self, missed: MissedStretch) -> None:
        self._means.book.missed(self._channel, missed)
        self._means.health.may_have_missed(self._channel, missed)
        self._means.on_missed(self._channel, missed)

    def _limit_hold(self) -> None:
        """Count from now, unless it counts already; not while Redis is silent, as it would take no live message."""
        if self._limit is None and self._inbox.is_holding:
            seconds = self._means.timing.hold_seconds
            reason = f"the history has not come for {seconds:g} s"
            self._limit = asyncio.get_running_loop().call_later(seconds, self._stop_holding, reason)

    def _stop_holding(self, reason: str) -> None:
        self._end_limit()
        if self._inbox.is_holding:
            _log.warning("live_before_history", channel=self._channel, reason=reason)
            self._inbox.let_go()

    def _end_limit(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


def _since(inbox: ChannelInbox) -> Progress | None:
    """The place of the first message that an earlier process left."""
    left = inbox.oldest_left
    return left.progress(left.received_at) if left else None


def _earlier(one: Progress | None, other: Progress | None) -> Progress | None:
    return min(filter(None, (one, other)), key=start_of, default=None)


def log_missed(channel: str, missed: MissedStretch) -> None:
    """Tell operators which signals to ask the publisher for."""
    _log.error(
        "signals_may_be_missed",
        channel=channel,
        since=missed.since.isoformat(),
        until=missed.until.isoformat(),
        seconds=round((missed.until - missed.since).total_seconds(), 3),
        advice="ask the publisher whether there was a signal, and queue it by hand",
    )


def start_of(known: Progress) -> datetime:
    """From when on to read: shortly before the last message taken in, or before the channel was last heard at all."""
    if known.message_at is not None:
        return known.message_at - _BEFORE_MESSAGE
    return known.heard_until - _BEFORE_SILENCE
