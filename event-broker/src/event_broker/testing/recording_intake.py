"""An intake in memory: it recognises messages, refuses what it is told to refuse, and can be made to wait."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from event_queue.arrival import Answer, Arrival
from event_queue.errors import QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, IntakeOutcome, Queued


@dataclass(frozen=True, slots=True)
class Offer:
    """One call of `enqueue`."""

    event: RebalanceEvent
    message: InboundMessage | None
    remember_while_in_flight: bool


class RecordingIntake:
    """`Intake` that keeps every offer and everything it took, in order."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.taken: list[RebalanceEvent] = []
        self.refuse: Callable[[Offer], QueueError | None] = _nothing
        """Decides for each offer whether it is refused, and how."""
        self.answer: Callable[[RebalanceEvent], IntakeOutcome] = Queued
        """What is said of an event that is taken."""
        self.open = asyncio.Event()
        """While it is clear, every offer waits."""
        self.open.set()
        self._seen: dict[tuple[str, str], None] = {}
        self._moved = asyncio.Condition()

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
    ) -> IntakeOutcome:
        """Take the event, unless it is refused or its message was taken for the account before."""
        await self.open.wait()
        offer = Offer(event, message, remember_while_in_flight)
        self.offers.append(offer)
        error = self.refuse(offer)
        outcome = None if error else self._take(event, message.identity if message else None)
        async with self._moved:
            self._moved.notify_all()
        if outcome is None:
            raise error or AssertionError
        return outcome

    async def enqueue_all(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Take the events one after the other."""
        return [await self._answer_of(arrival) for arrival in arrivals]

    async def wait_taken(self, count: int, *, within: float = 20) -> list[RebalanceEvent]:
        """The events taken, once there are so many."""
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: len(self.taken) >= count)
        return self.taken

    def lose_last(self) -> None:
        """Forget the event that was taken last, as a Redis that went back in time; its message has an id."""
        self.taken.pop()
        self._seen.popitem()

    async def _answer_of(self, arrival: Arrival) -> Answer:
        try:
            return await self.enqueue(
                arrival.event,
                message=arrival.message,
                remember_while_in_flight=arrival.remember_while_in_flight,
            )
        except QueueError as error:
            return error

    def _take(self, event: RebalanceEvent, message_id: str | None) -> IntakeOutcome:
        if message_id is not None:
            if (event.account_id, message_id) in self._seen:
                return AlreadySeen(message_id)
            self._seen[event.account_id, message_id] = None
        self.taken.append(event)
        return self.answer(event)


def _nothing(_offer: Offer) -> QueueError | None:
    return None
