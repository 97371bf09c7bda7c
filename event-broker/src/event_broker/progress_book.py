"""How far each channel is taken in: at hand in memory, and in Redis soon after each change.

Log events: progress_unavailable, progress_loaded (channels=).
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import structlog

from event_broker.settings import INTAKE_RETRY_SECONDS
from event_queue.errors import QueueError
from event_queue.progress import MissedStretch, Progress
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


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
    ) -> None:
        """Take where progress is kept and the channels that are followed."""
        self._store = store
        self._channels = frozenset(channels)
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._progress: dict[str, Progress] = {}
        self._unwritten: set[str] = set()
        self._changed = asyncio.Event()
        self._loaded = asyncio.Event()
        self._told = ""

    @property
    def is_loaded(self) -> bool:
        """Whether Redis has told how far the channels are taken in."""
        return self._loaded.is_set()

    async def known(self, channel: str) -> Progress | None:
        """How far the channel is taken in, once Redis has told; None for a channel never heard before."""
        await self._loaded.wait()
        return self._progress.get(channel)

    def reached(self, channel: str, progress: Progress) -> None:
        """Everything up to here is in the queue; of two messages the younger one stays."""
        before = self._progress.get(channel)
        self._set(channel, _further(before, progress) if before else progress)

    def missed(self, channel: str, stretch: MissedStretch) -> None:
        """Remember what may have been missed on a channel that is known."""
        self._set(channel, replace(self._progress[channel], missed=stretch))

    async def run(self) -> None:
        """Load, then write each change, until cancelled; while Redis does not answer, again and again."""
        while not self._loaded.is_set():
            if not await self._tried(self._load):
                await self._clock.pause(self._retry_seconds)
        while True:
            await self._changed.wait()
            if not await self._tried(self.write):
                await self._clock.pause(self._retry_seconds)

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
            await self._store.write(changed)
        except QueueError:
            self._changed.set()
            raise
        self._unwritten -= {channel for channel, written in changed.items() if self._progress[channel] is written}

    async def _load(self) -> None:
        stored = await self._store.read()
        await self._store.forget(set(stored) - self._channels)
        for channel, known in stored.items():
            if channel in self._channels:
                since = self._progress.get(channel)
                self._progress[channel] = _further(known, since) if since else known
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


def _further(before: Progress, after: Progress) -> Progress:
    message_is_younger = after.message_at is not None and (
        before.message_at is None or after.message_at >= before.message_at
    )
    message = after if message_is_younger else before
    return Progress(
        heard_until=max(before.heard_until, after.heard_until),
        message_id=message.message_id,
        message_at=message.message_at,
        missed=after.missed or before.missed,
    )
