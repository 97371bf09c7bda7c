"""Progress kept in memory across rigs, as Redis keeps it across processes."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from event_queue.errors import QueueError
from event_queue.progress import Progress


class MemoryProgress:
    """`ProgressStore` that can be made to fail and tells of its writes."""

    def __init__(self, progress: Mapping[str, Progress] | None = None) -> None:
        self.progress = dict(progress or {})
        self.failures: list[QueueError] = []
        """Raised one by one by the next calls."""
        self.open = asyncio.Event()
        """While it is clear, every reading waits."""
        self.open.set()
        self.writable = asyncio.Event()
        """While it is clear, every writing waits."""
        self.writable.set()
        self.begun = asyncio.Event()
        """Set when a writing has begun."""
        self.forgettable = asyncio.Event()
        """While it is clear, every forgetting waits."""
        self.forgettable.set()
        self.forgetting = asyncio.Event()
        """Set when a forgetting has begun."""
        self._written = asyncio.Condition()

    async def read(self) -> dict[str, Progress]:
        """Everything kept."""
        await self.open.wait()
        self._fail()
        return dict(self.progress)

    async def write(self, progress: Mapping[str, Progress]) -> None:
        """Keep it."""
        self.begun.set()
        await self.writable.wait()
        self._fail()
        async with self._written:
            self.progress.update(progress)
            self._written.notify_all()

    async def forget(self, channels: Iterable[str]) -> None:
        """Drop channels."""
        self.forgetting.set()
        await self.forgettable.wait()
        for channel in channels:
            self.progress.pop(channel, None)

    async def wait_until(self, wanted: Callable[[dict[str, Progress]], bool], *, within: float = 20) -> None:
        """Wait until what is kept is as wanted."""
        async with asyncio.timeout(within), self._written:
            await self._written.wait_for(lambda: wanted(self.progress))

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
