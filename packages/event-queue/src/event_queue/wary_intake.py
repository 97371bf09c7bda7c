"""The way in for services: nothing is taken into an emptied Redis before history has said what belongs there."""

from functools import partial

from event_queue.errors import AuditUnavailable, QueueClosed
from event_queue.events import RebalanceEvent
from event_queue.mender import Mender
from event_queue.outcomes import IntakeOutcome
from event_queue.ports import Intake


class WaryIntake:
    """`Intake` that opens an empty queue by itself when history is empty too: at the first start of all."""

    def __init__(self, intake: Intake, mender: Mender) -> None:
        """Take an intake that refuses with QueueClosed when Redis is empty."""
        self._intake = intake
        self._mender = mender

    async def enqueue(
        self, event: RebalanceEvent, *, message_id: str | None = None, remember_while_in_flight: bool = False
    ) -> IntakeOutcome:
        """Queue the event; see `Intake.enqueue`.

        Raises:
            QueueClosed: Redis was emptied, and what history knows is not back yet; nothing was changed.
        """
        enqueue = partial(
            self._intake.enqueue, event, message_id=message_id, remember_while_in_flight=remember_while_in_flight
        )
        try:
            return await enqueue()
        except QueueClosed:
            if not await self._is_open():
                raise
        return await enqueue()

    async def _is_open(self) -> bool:
        try:
            return await self._mender.open_if_new()
        except AuditUnavailable as error:
            raise QueueClosed("Redis is empty, and PostgreSQL, which may know more, did not answer") from error
