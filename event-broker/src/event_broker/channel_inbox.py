"""Messages of one channel, in the order in which they were published, until the queue has taken each."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from event_broker.channel_router import ChannelRouter
from event_broker.safekeeping import NotKept, Safekeeping
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

    What an earlier process left is kept back from the beginning: nobody knows what came between it and what Redis has.

    It has no limit of its own: dropping a signal would be worse than holding it, a message is at most 64 KiB, and
    the backlog stands in the health report for as long as Redis takes nothing. What waits is kept safe meanwhile.
    """

    def __init__(
        self, router: ChannelRouter, on_reached: OnReached | None = None, safe: Safekeeping | None = None
    ) -> None:
        """Take where the messages go, who remembers how far the channel is taken in, and what outlives the process."""
        self._router = router
        self._on_reached = on_reached
        self._safe = safe or NotKept()
        self._items: asyncio.Queue[_Item] = asyncio.Queue()
        self._in_hand = 0
        self._left = self._safe.kept()
        self._held: list[Trigger] = []
        self.is_holding = bool(self._left)
        """Whether messages are kept back."""
        self._has_gap = False
        self._unsure = 0
        self._youngest: Trigger | None = None

    @property
    def backlog(self) -> int:
        """Messages that were received and are not yet queued."""
        return self._items.qsize() + self._in_hand + len(self._left) + len(self._held)

    @property
    def oldest_left(self) -> Trigger | None:
        """The first message of those that an earlier process left and that are kept back still."""
        return self._left[0] if self._left else None

    @property
    def lacks_history(self) -> bool:
        """Whether progress stands still until the history has come."""
        return self.is_holding or self._has_gap

    def find_left(self) -> None:
        """What an earlier process left can be read only now: keep it back as from the beginning, with what comes."""
        self._left = self._safe.kept()
        self.hold()

    def past_lost(self) -> None:
        """What lies in the line may come after what Redis has lost: it moves no progress any more."""
        self._unsure = self._items.qsize() + self._in_hand

    def put(self, trigger: Trigger) -> None:
        """Add a live message; at once, so that messages keep their order."""
        if self.is_holding:
            self._held.append(trigger)
            self._safe.waits(trigger)
        else:
            self._add(trigger, heard_until=trigger.received_at)

    def put_past(self, history: Iterable[Trigger]) -> None:
        """Add messages of the history, of which more will follow."""
        for trigger in history:
            self._add(trigger, heard_until=min(trigger.moment, trigger.received_at))

    def hold(self) -> None:
        """Keep live messages back from now on."""
        self.is_holding = True

    def let_go(self) -> None:
        """Let through what is kept back, although the history is missing."""
        self._has_gap = True
        for trigger in itertools.chain(*self._release()):
            self._add(trigger, heard_until=min(trigger.moment, trigger.received_at))

    def settle(self, history: Iterable[Trigger], *, heard_until: datetime) -> None:
        """Add the rest of the history and what was kept back, each message once, by their time."""
        left, held = self._release()
        merged = list(_merged(history, left, held))
        for trigger in merged:
            self._add(trigger, heard_until=min(trigger.moment, trigger.received_at))
        added = {id(trigger) for trigger in merged}
        for trigger in (*left, *held):
            if id(trigger) not in added:
                self._safe.ended(trigger)
        self._has_gap = False
        self._items.put_nowait(_Item(None, _progress(self._youngest, heard_until)))

    def heard(self, until: datetime) -> None:
        """The channel was listened to until then, and nothing more came."""
        if self._on_reached and not (self.lacks_history or self.backlog):
            self._on_reached(Progress(until))

    async def wait_empty(self) -> None:
        """Return when the queue has everything that was not kept back."""
        await self._items.join()

    async def run_until(self, stopping: asyncio.Event) -> None:
        """Take the messages in, one after the other; after `stopping` only those received so far, within bounds.

        Once per inbox: what a failed run had in hand is gone from it, and is read again by a new process.
        """
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._run())
            await stopping.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self.wait_empty()
            await end_task(work)

    async def _run(self) -> None:
        while True:
            item = await self._items.get()
            self._in_hand = 1
            if item.trigger is not None:
                await self._router.route(item.trigger, is_last=partial(self._is_sure, item))
            if item.progress is not None and self._on_reached is not None and self._is_sure(item):
                self._on_reached(item.progress)
            self._unsure = max(0, self._unsure - 1)
            if item.trigger is not None:
                self._safe.ended(item.trigger)
            self._in_hand = 0
            self._items.task_done()

    def _is_sure(self, item: _Item) -> bool:
        """Whether everything before it is in the queue."""
        return item.progress is not None and not self._unsure

    def _release(self) -> tuple[list[Trigger], list[Trigger]]:
        """What an earlier process left, and what came live."""
        released = self._left, self._held
        self._left, self._held, self.is_holding = [], [], False
        return released

    def _add(self, trigger: Trigger, *, heard_until: datetime) -> None:
        if self._youngest is None or trigger.moment >= self._youngest.moment:
            self._youngest = trigger
        self._items.put_nowait(_Item(trigger, None if self._has_gap else trigger.progress(heard_until)))
        self._safe.waits(trigger)


def _progress(trigger: Trigger | None, heard_until: datetime) -> Progress:
    return Progress(heard_until) if trigger is None else trigger.progress(heard_until)


def _merged(*lists: Iterable[Trigger]) -> Iterator[Trigger]:
    """All in the order of their times, each list keeping its own order, a message that is in several once."""
    seen: set[str] = set()
    for trigger in heapq.merge(*lists, key=lambda each: each.moment):
        if trigger.message_id is None or trigger.message_id not in seen:
            yield trigger
        if trigger.message_id is not None:
            seen.add(trigger.message_id)
