"""Takes the folder of waiting signals as soon as it can be used, and reads what an earlier process left there.

In a rolling restart the earlier process holds the folder until its end, and saves what waits as the last thing it does.
Until it can be used, signals wait in memory alone, and health says so. It is asked for each second: a thread that waits
for a lock cannot be called off, and a folder that cannot be made has to be tried again anyway.

Log events: signals_not_on_disk (reason=, consequence=), signals_kept_on_disk.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator

import structlog

from event_broker.errors import SpoolUnusable
from event_broker.safekeeping import KeptOnDisk
from event_broker.settings import SPOOL_RETRY_SECONDS
from event_broker.signal_spool import SignalSpool, SpoolFolder
from event_broker.trigger import Trigger
from event_broker.until_stopped import to_its_end
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

OpenFolder = Callable[[], SpoolFolder]
"""Opens and locks the folder; raises SpoolUnusable."""

_Found = tuple[KeptOnDisk, SignalSpool, list[Trigger]]


class SpoolKeeper:
    """The safekeeping of some channels, in one folder."""

    def __init__(
        self,
        open_folder: OpenFolder,
        channels: Iterable[str],
        clock: Clock,
        *,
        retry_seconds: float = SPOOL_RETRY_SECONDS,
    ) -> None:
        """Take the way to the folder, which nothing has opened yet."""
        self.safes = {channel: KeptOnDisk(channel, clock) for channel in channels}
        self.on_left: Callable[[str], None] = _nobody_on
        """Called with each channel of which something is found later than at the beginning."""
        self.changed: Callable[[], None] = _nobody
        """Called when `trouble` may have changed."""
        self._open_folder = open_folder
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._folder: SpoolFolder | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why signals wait in memory alone; None when they do not."""
        return self._trouble or next(filter(None, (safe.trouble for safe in self.safes.values())), None)

    def begin(self) -> None:
        """Try for the first time, before anything is taken in; blocks."""
        self._take(*self._read())

    async def run(self) -> None:
        """Try until the file of each channel is read."""
        while self._trouble is not None:
            await self._clock.pause(self._retry_seconds)
            await self.look()

    async def look(self) -> None:
        """Try once more whatever could not be used; cancelled, it ends what it has begun."""
        await to_its_end(self._look())

    async def save(self) -> None:
        """Put on disk what waits now, in a folder that may have become free just now."""
        if self._trouble is not None:
            await self.look()
        for safe in self.safes.values():
            await safe.save()

    def close(self) -> None:
        """Let another process have the folder."""
        if self._folder is not None:
            self._folder.close()

    async def _look(self) -> None:
        found, trouble = await asyncio.to_thread(self._read)
        for channel in self._take(found, trouble):
            self.on_left(channel)

    def _read(self) -> tuple[dict[str, _Found], str | None]:
        """What lies in the files that nobody has read yet, by channel, and why some cannot be; blocks."""
        found: dict[str, _Found] = {}
        trouble = None
        try:
            folder = self._folder = self._folder or self._open_folder()
        except SpoolUnusable as error:
            return found, str(error)
        for channel, safe in self._unread():
            spool = folder.spool(channel)
            try:
                found[channel] = safe, spool, spool.read()
            except SpoolUnusable as error:
                trouble = str(error)
        return found, trouble

    def _unread(self) -> Iterator[tuple[str, KeptOnDisk]]:
        return ((channel, safe) for channel, safe in self.safes.items() if not safe.has_begun)

    def _take(self, found: dict[str, _Found], trouble: str | None) -> list[str]:
        """Have them used from now on; the channels of which an earlier process left something."""
        for safe, spool, left in found.values():
            safe.begin(spool, left)
        self._note(trouble)
        return [channel for channel, (_, _, left) in found.items() if left]

    def _note(self, trouble: str | None) -> None:
        """Tell a trouble once as long as it repeats itself, and its end."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble is None:
            _log.info("signals_kept_on_disk")
        else:
            _log.error("signals_not_on_disk", reason=trouble, consequence="signals wait in memory alone")
        self.changed()


def _nobody() -> None:
    """Nobody asked."""


def _nobody_on(_channel: str) -> None:
    """Nobody asked."""
