"""Messages of one channel, in the order in which they came, until the queue has taken each."""

import asyncio
from contextlib import suppress

from event_broker.channel_router import ChannelRouter
from event_broker.settings import DRAIN_SECONDS
from event_broker.trigger import Trigger
from event_broker.until_stopped import end_task


class ChannelInbox:
    """First in, first out; a message leaves only when it is queued for all its accounts.

    It has no limit of its own: dropping a signal would be worse than holding it, a message is at most 64 KiB, and
    the backlog stands in the health report for as long as Redis takes nothing.
    """

    def __init__(self, router: ChannelRouter) -> None:
        """Take where the messages go."""
        self._router = router
        self._messages: asyncio.Queue[Trigger] = asyncio.Queue()
        self._in_hand = 0

    @property
    def backlog(self) -> int:
        """Messages that were received and are not yet queued."""
        return self._messages.qsize() + self._in_hand

    def put(self, trigger: Trigger) -> None:
        """Add a message; at once, so that messages keep their order."""
        self._messages.put_nowait(trigger)

    async def run_until(self, stopping: asyncio.Event) -> None:
        """Take the messages in, one after the other; after `stopping` only those received so far, within bounds.

        Once per inbox: what a failed run had in hand is gone from it, and comes again with the rewind of a new process.
        """
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._run())
            await stopping.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._messages.join()
            await end_task(work)

    async def _run(self) -> None:
        while True:
            trigger = await self._messages.get()
            self._in_hand = 1
            await self._router.route(trigger)
            self._in_hand = 0
            self._messages.task_done()
