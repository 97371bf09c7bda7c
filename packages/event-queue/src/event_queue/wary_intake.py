"""The way in for services: nothing is taken into an emptied Redis before history has said what belongs there."""

from collections.abc import Sequence
from functools import partial

from event_queue.arrival import Answer, Arrival
from event_queue.errors import AuditUnavailable, QueueClosed, QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.mender import Mender
from event_queue.outcomes import IntakeOutcome
from event_queue.redis_intake import RedisIntake


class WaryIntake:
    """`Intake` that opens an empty queue by itself when history is empty too: at the first start of all.

    While history cannot be asked either, events are taken in: PostgreSQL being away stops nothing. What it turns out
    to know when it is back is put beside them then.
    """

    def __init__(self, intake: RedisIntake, mender: Mender) -> None:
        """Take the way in, and who can ask history."""
        self._intake = intake
        self._mender = mender

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
    ) -> IntakeOutcome:
        """Queue the event; see `Intake.enqueue`.

        Raises:
            QueueClosed: Redis was emptied, and what history knows is not back yet; nothing was changed.
        """
        offer = partial(self._intake.enqueue, event, message=message, remember_while_in_flight=remember_while_in_flight)
        try:
            return await offer(least=0)
        except QueueClosed:
            if not await self._may_open():
                raise
        return await offer()

    async def enqueue_all(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Offer many events; see `Intake.enqueue_all`. While Redis is empty, each is answered by QueueClosed."""
        answers = list(await self._intake.enqueue_all(arrivals, least=0))
        closed = [position for position, answer in enumerate(answers) if isinstance(answer, QueueClosed)]
        for position, answer in zip(
            closed, await self._offered_again([arrivals[each] for each in closed]), strict=True
        ):
            answers[position] = answer
        return answers

    async def _offered_again(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Answers to events that an empty Redis has refused."""
        try:
            may_open = bool(arrivals) and await self._may_open()
        except QueueError as error:
            return [error] * len(arrivals)
        return await self._intake.enqueue_all(arrivals, least=None if may_open else 0)

    async def _may_open(self) -> bool:
        try:
            return await self._mender.open_if_new()
        except AuditUnavailable:
            return True
