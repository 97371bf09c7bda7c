"""The way in for services: nothing is taken into an emptied Redis before history has said what belongs there."""

from event_queue.errors import AuditUnavailable, QueueClosed
from event_queue.events import RebalanceEvent
from event_queue.mender import Mender
from event_queue.outcomes import IntakeOutcome
from event_queue.ports.intake import Intake


class WaryIntake:
    """`Intake` that opens an empty queue by itself when history is empty too: at the first start of all.

    While history cannot be asked either, events are taken in: PostgreSQL being away stops nothing. What it turns out
    to know when it is back is put beside them then.
    """

    def __init__(self, wary: Intake, plain: Intake, mender: Mender) -> None:
        """Take an intake that refuses with QueueClosed when Redis is empty, and one that does not."""
        self._wary = wary
        self._plain = plain
        self._mender = mender

    async def enqueue(
        self, event: RebalanceEvent, *, message_id: str | None = None, remember_while_in_flight: bool = False
    ) -> IntakeOutcome:
        """Queue the event; see `Intake.enqueue`.

        Raises:
            QueueClosed: Redis was emptied, and what history knows is not back yet; nothing was changed.
        """
        try:
            return await self._wary.enqueue(
                event, message_id=message_id, remember_while_in_flight=remember_while_in_flight
            )
        except QueueClosed:
            if not await self._may_open():
                raise
        return await self._plain.enqueue(
            event, message_id=message_id, remember_while_in_flight=remember_while_in_flight
        )

    async def _may_open(self) -> bool:
        try:
            return await self._mender.open_if_new()
        except AuditUnavailable:
            return True
