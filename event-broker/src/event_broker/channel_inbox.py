"""Messages of one channel, in the order in which they were published, until the queue has taken each."""

import asyncio
import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from event_broker.channel_router import ChannelRouter
from event_broker.settings import DRAIN_SECONDS
from event_broker.trigger import Trigger
from event_broker.until_stopped import end_task
from event_queue.progress import Progress

OnReached = Callable[[Progress], None]
"""Called when everything up to a place in the channel is in the queue."""


@dataclass(frozen=True, slots=True)
class _Item:
    """A message to take in, and how far the channel is taken in after it; either may be missing."""

    trigger: Trigger | None
    progress: Progress | None


class ChannelInbox:
    """First in, first out; a message leaves only when it is queued for all its accounts.

    While the channel's history is read (`hold` to `settle`), live messages are kept back, so that both can be put in
    one order. Should that take too long or be refused, `let_go` lets the live ones through; progress then stands still
    until the history has come after all, for whatever lies in the gap is not yet taken in.

    It has no limit of its own: dropping a signal would be worse than holding it, a message is at most 64 KiB, and
    the backlog stands in the health report for as long as Redis takes nothing.
    """

    def __init__(self, router: ChannelRouter, on_reached: OnReached | None = None) -> None:
        """Take where the messages go, and who remembers how far the channel is taken in."""
        self._router = router
        self._on_reached = on_reached
        self._items: asyncio.Queue[_Item] = asyncio.Queue()
        self._in_hand = 0
        self._held: list[Trigger] | None = None
        self._has_gap = False
        self._youngest: Trigger | None = None

    @property
    def backlog(self) -> int:
        """Messages that were received and are not yet queued."""
        return self._items.qsize() + self._in_hand + len(self._held or ())

    @property
    def is_holding(self) -> bool:
        """Whether live messages are kept back."""
        return self._held is not None

    def put(self, trigger: Trigger) -> None:
        """Add a live message; at once, so that messages keep their order."""
        if self._held is None:
            self._add(trigger, heard_until=trigger.received_at)
        else:
            self._held.append(trigger)

    def put_past(self, history: Iterable[Trigger]) -> None:
        """Add messages of the history, of which more will follow."""
        for trigger in history:
            self._add(trigger, heard_until=trigger.moment)

    def hold(self) -> None:
        """Keep live messages back from now on."""
        if self._held is None:
            self._held = []

    def let_go(self) -> None:
        """Let live messages through although the history is missing."""
        self._has_gap = True
        held, self._held = self._held or [], None
        for trigger in held:
            self.put(trigger)

    def settle(self, history: Iterable[Trigger], *, heard_until: datetime) -> None:
        """Add the rest of the history and the live messages kept back, each once, by their time."""
        held, self._held = self._held or [], None
        for trigger in _merged(history, held):
            self._add(trigger, heard_until=trigger.moment)
        self._has_gap = False
        self._items.put_nowait(_Item(None, self._progress(self._youngest, heard_until)))

    def heard(self, until: datetime) -> None:
        """The channel was listened to until then, and nothing more came."""
        if self._on_reached and not (self._has_gap or self.is_holding or self.backlog):
            self._on_reached(Progress(until))

    async def run_until(self, stopping: asyncio.Event) -> None:
        """Take the messages in, one after the other; after `stopping` only those received so far, within bounds.

        Once per inbox: what a failed run had in hand is gone from it, and is read again by a new process.
        """
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._run())
            await stopping.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._items.join()
            await end_task(work)

    async def _run(self) -> None:
        while True:
            item = await self._items.get()
            self._in_hand = 1
            if item.trigger is not None:
                await self._router.route(item.trigger)
            if item.progress is not None and self._on_reached is not None:
                self._on_reached(item.progress)
            self._in_hand = 0
            self._items.task_done()

    def _add(self, trigger: Trigger, *, heard_until: datetime) -> None:
        if self._youngest is None or trigger.moment >= self._youngest.moment:
            self._youngest = trigger
        self._items.put_nowait(_Item(trigger, None if self._has_gap else self._progress(trigger, heard_until)))

    @staticmethod
    def _progress(trigger: Trigger | None, heard_until: datetime) -> Progress:
        if trigger is None or trigger.sent_at is None:
            return Progress(heard_until)
        return Progress(heard_until, trigger.message_id, trigger.sent_at)


def _merged(history: Iterable[Trigger], live: Iterable[Trigger]) -> Iterator[Trigger]:
    """Both in the order of their times, each keeping its own order, a message that is in both once."""
    seen: set[str] = set()
    for trigger in heapq.merge(history, live, key=lambda each: each.moment):
        if trigger.message_id is None or trigger.message_id not in seen:
            yield trigger
        if trigger.message_id is not None:
            seen.add(trigger.message_id)
