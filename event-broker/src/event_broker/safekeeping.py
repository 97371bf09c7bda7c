"""Whatever waits for the queue for more than a moment is put on disk, and forgotten when it is queued.

Log events: signals_put_on_disk (messages=), signals_not_on_disk (reason=), signals_found_on_disk (messages=).
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from event_broker.errors import SpoolUnusable
from event_broker.signal_spool import SignalSpool
from event_broker.trigger import Trigger
from event_broker.until_stopped import to_its_end
from service_runtime.clock import Clock

MOMENT_SECONDS: Final = 0.5
"""What is queued within this time never touches the disk; Ably's history has it if the process dies meanwhile."""

_log = structlog.get_logger(__name__)


class Safekeeping(Protocol):
    """Keeps the messages of one channel safe while they wait."""

    def kept(self) -> list[Trigger]:
        """What an earlier process left, in its order; once, then nothing."""
        ...

    def waits(self, trigger: Trigger) -> None:
        """A message waits for the queue, or does so still."""
        ...

    def ended(self, trigger: Trigger) -> None:
        """The queue has it, or another copy of it waits."""
        ...


class NotKept:
    """`Safekeeping` where there is no disk to write to."""

    def kept(self) -> list[Trigger]:
        """Nothing."""
        return []

    def waits(self, trigger: Trigger) -> None:
        """Nothing happens."""

    def ended(self, trigger: Trigger) -> None:
        """Nothing happens."""


class KeptOnDisk:
    """`Safekeeping` in one channel's file."""

    def __init__(self, channel: str, clock: Clock, *, moment_seconds: float = MOMENT_SECONDS) -> None:
        """Keep messages in memory alone until `begin`."""
        self._channel = channel
        self._spool: SignalSpool | None = None
        """None until its file is read: one that may hold what nobody has read is neither added to nor forgotten."""
        self._left: list[Trigger] = []
        self._clock = clock
        self._moment_seconds = moment_seconds
        self._unsaved: dict[int, Trigger] = {}
        self._saved: dict[int, Trigger] = {}
        """By identity; the triggers are held, so that no identity is given twice."""
        self._is_written = False
        self._changed = asyncio.Event()
        self._disk = asyncio.Lock()
        """Held while the disk is at work, so that nothing is written twice."""
        self._told = ""

    @property
    def has_begun(self) -> bool:
        """Whether there is a file to keep messages in."""
        return self._spool is not None

    @property
    def trouble(self) -> str | None:
        """Why the disk took nothing the last time; None when it did."""
        return self._told or None

    def begin(self, spool: SignalSpool, left: list[Trigger]) -> None:
        """Keep messages in this file from now on; `left` is what was read from it."""
        self._spool, self._left = spool, left
        self._saved = {id(each): each for each in left}
        self._is_written = bool(left)
        if left:
            _log.warning("signals_found_on_disk", channel=self._channel, messages=len(left))
        if self._unsaved:
            self._changed.set()

    def kept(self) -> list[Trigger]:
        """See `Safekeeping.kept`."""
        left, self._left = self._left, []
        return left

    def waits(self, trigger: Trigger) -> None:
        """See `Safekeeping.waits`."""
        if id(trigger) not in self._saved:
            self._unsaved[id(trigger)] = trigger
            self._changed.set()

    def ended(self, trigger: Trigger) -> None:
        """See `Safekeeping.ended`."""
        self._unsaved.pop(id(trigger), None)
        self._saved.pop(id(trigger), None)
        if self._is_written and not self._saved:
            self._changed.set()

    async def run(self) -> None:
        """Save and forget until cancelled."""
        while True:
            await self._changed.wait()
            await self._clock.pause(self._moment_seconds)
            await self.save()

    async def save(self) -> None:
        """Put on disk what waits now; forget the file when nothing of it waits any more.

        Cancelled, it ends what it has begun, as the disk does anyway.
        """
        await to_its_end(self._save())

    async def _save(self) -> None:
        async with self._disk:
            self._changed.clear()
            batch, spool = dict(self._unsaved), self._spool
            if spool is None:
                return
            if batch:
                await self._tried(lambda: spool.append(batch.values()), lambda: self._note_saved(batch))
            elif self._is_written and not self._saved:
                await self._tried(spool.clear, self._note_cleared)

    def _note_saved(self, batch: dict[int, Trigger]) -> None:
        self._is_written = True
        for key in batch.keys() & self._unsaved.keys():
            self._saved[key] = self._unsaved.pop(key)
        if not self._saved:  # all of it was queued while it was written
            self._changed.set()
        _log.info("signals_put_on_disk", channel=self._channel, messages=len(batch))

    def _note_cleared(self) -> None:
        self._is_written = bool(self._saved)

    async def _tried(self, step: Callable[[], None], then: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(step)
        except SpoolUnusable as error:
            if str(error) != self._told:
                _log.error("signals_not_on_disk", channel=self._channel, reason=str(error))
            self._told = str(error)
            self._changed.set()
        else:
            self._told = ""
            then()
