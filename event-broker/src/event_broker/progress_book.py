"""How far each channel is taken in: at hand in memory, and in Redis soon after each change.

Log events: progress_unavailable, progress_loaded (channels=).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Protocol

import structlog

from event_broker.settings import INTAKE_RETRY_SECONDS
from event_queue.errors import QueueError
from event_queue.progress import MissedStretch, Progress
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


Readable = Callable[[], Awaitable[None]]
"""Returns when the store can be relied on."""


class ProgressStore(Protocol):
    """Where progress outlives the process."""

    async def read(self) -> dict[str, Progress]:
        """The progress of every channel known; raises QueueError."""
        ...

    async def write(self, progress: Mapping[str, Progress]) -> None:
        """Replace the progress of some channels; raises QueueError."""
        ...

    async def forget(self, channels: Iterable[str]) -> None:
        """Drop channels; raises QueueError."""
        ...


class ProgressBook:
    """Progress only ever grows; a crash before it is written costs a second reading and nothing else."""

    def __init__(
        self,
        store: ProgressStore,
        channels: Iterable[str],
        clock: Clock,
        *,
        retry_seconds: float = INTAKE_RETRY_SECONDS,
        readable: Readable | None = None,
    ) -> None:
        """Take where progress is kept, the channels that are followed, and when what is kept can be relied on."""
        self._store = store
        self._readable = readable
        self._channels = frozenset(channels)
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._progress: dict[str, Progress] = {}
        self._unwritten: set[str] = set()
        self._changed = asyncio.Event()
        self._loaded = asyncio.Event()
        self._told = ""
        self._heard_before: dict[str, datetime] = {}
        self._losses = 0
        self._writing: asyncio.Timeout | None = None
        """Ends the writing that is under way."""

    @property
    def is_loaded(self) -> bool:
        """Whether Redis has told how far the channels are taken in."""
        return self._loaded.is_set()

    @property
    def last_message_at(self) -> datetime | None:
        """When the latest message taken in was published, as far as it is known yet."""
        return max((known.message_at for known in self._progress.values() if known.message_at), default=None)

    async def known(self, channel: str) -> Progress | None:
        """How far the channel is taken in, once Redis has told; None for a channel never heard before."""
        while not self.is_loaded:  # it may be lost again before a waiter has its turn
            await self._loaded.wait()
        return self._progress.get(channel)

    def reached(self, channel: str, progress: Progress) -> None:
        """Everything up to here is in the queue; of two messages the younger one stays."""
        before = self._progress.get(channel)
        self._set(channel, _further(before, progress) if before else progress)

    def missed(self, channel: str, stretch: MissedStretch) -> None:
        """Remember what may have been missed on a channel that is known; of another it will be found again."""
        if channel in self._progress:
            self._set(channel, replace(self._progress[channel], missed=stretch))

    def past_lost(self, told_until: datetime | None) -> None:
        """Redis has lost some of what it took in: forget everything, and load what history made of it.

        What a channel was heard of until `told_until` was taken in and is known to history.
        """
        self._heard_before = {
            channel: min(known.heard_until, told_until)
            for channel, known in self._progress.items()
            if told_until is not None
        }
        self._losses += 1
        if self._writing is not None:
            self._writing.reschedule(asyncio.get_running_loop().time())
        self._loaded.clear()
        self._progress.clear()
        self._unwritten.clear()
        self._changed.set()

    async def run(self) -> None:
        """Load, then write each change, until cancelled; while Redis does not answer, again and again."""
        while True:
            step = self._write_next if self._loaded.is_set() else self._load
            if not await self._tried(step):
                await self._clock.pause(self._retry_seconds)

    async def _write_next(self) -> None:
        await self._changed.wait()
        await self.write()

    async def write(self) -> None:
        """Write what has changed since the last time.

        Raises:
            QueueError: it is not written and will be with the next call.
        """
        self._changed.clear()
        changed = {channel: self._progress[channel] for channel in self._unwritten}
        if not changed:
            return
        try:
            await self._write_unless_lost(changed)
        except QueueError:
            self._changed.set()
            raise
        self._unwritten -= {channel for channel, written in changed.items() if self._progress.get(channel) is written}

    async def _write_unless_lost(self, changed: Mapping[str, Progress]) -> None:
        """Write, until it is done or Redis has lost some of its past: a late repetition would hide what was lost."""
        try:
            async with asyncio.timeout(None) as self._writing:
                await self._store.write(changed)
        except TimeoutError:
            return
        finally:
            self._writing = None

    async def _load(self) -> None:
        if self._readable is not None:
            await self._readable()
        losses = self._losses
        stored = _as_heard(await self._store.read(), self._heard_before)
        await self._store.forget(set(stored) - self._channels)
        if losses != self._losses:  # what was read is of a past that Redis lost meanwhile
            return
        for channel, known in stored.items():
            if channel in self._channels:
                since = self._progress.get(channel)
                self._progress[channel] = _further(known, since) if since else known
        if losses:  # what was written before the loss may have come after it
            self._unwritten |= self._progress.keys()
            self._changed.set()
        self._loaded.set()
        _log.info("progress_loaded", channels=len(self._progress))

    async def _tried(self, step: "Step") -> bool:
        try:
            await step()
        except QueueError as error:
            if str(error) != self._told:
                _log.warning("progress_unavailable", reason=str(error), retry_seconds=self._retry_seconds)
            self._told = str(error)
            return False
        self._told = ""
        return True

    def _set(self, channel: str, progress: Progress) -> None:
        if progress != self._progress.get(channel):
            self._progress[channel] = progress
            self._unwritten.add(channel)
            self._changed.set()


class Step(Protocol):
    """One exchange with Redis."""

    async def __call__(self) -> None:
        """Do it; raises QueueError."""
        ...


def _as_heard(stored: Mapping[str, Progress], heard: Mapping[str, datetime]) -> dict[str, Progress]:
    """What is stored, with what is known besides of when each channel was heard."""
    unheard = {channel: Progress(until) for channel, until in heard.items() if channel not in stored}
    known = {
        channel: replace(progress, heard_until=max(progress.heard_until, heard.get(channel, progress.heard_until)))
        for channel, progress in stored.items()
    }
    return known | unheard


def _further(before: Progress, after: Progress) -> Progress:
    message_is_younger = after.message_at is not None and (
        before.message_at is None or after.message_at >= before.message_at
    )
    message = after if message_is_younger else before
    # What was heard until now is said by the clock as it is, which may have been set back.
    heard_until = after.heard_until if after.message_id is None else max(before.heard_until, after.heard_until)
    return Progress(
        heard_until=heard_until,
        message_id=message.message_id,
        message_at=message.message_at,
        missed=after.missed or before.missed,
    )
