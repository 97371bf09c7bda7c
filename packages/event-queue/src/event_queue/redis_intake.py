"""The way in: one script takes an event, refuses it, or remembers it."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from event_queue.codec import encode_event, to_ms
from event_queue.errors import CorruptQueue, QueueClosed
from event_queue.events import RebalanceEvent
from event_queue.outcomes import AlreadySeen, Duplicate, IntakeOutcome, Queued, Remembered
from event_queue.payloads import validate_payload
from event_queue.script_runner import ScriptRunner

RECEIPT_LIFE: Final = timedelta(hours=72)
"""How long a message is recognised: as long as Ably can keep and send it again."""


class RedisIntake:
    """`Intake` on Redis."""

    def __init__(self, scripts: ScriptRunner, *, is_wary: bool = False, receipt_life: timedelta = RECEIPT_LIFE) -> None:
        """Take the runner of the queue's scripts and how long messages and events are recognised.

        A wary intake takes nothing into a Redis without a single record: it may have been emptied, and what history
        knows must come back first.
        """
        self._scripts = scripts
        self._is_wary = is_wary
        self._receipt_ms = receipt_life // timedelta(milliseconds=1)

    async def enqueue(
        self, event: RebalanceEvent, *, message_id: str | None = None, remember_while_in_flight: bool = False
    ) -> IntakeOutcome:
        """Queue the event unless its account and command are active; see `Intake.enqueue`.

        Raises:
            PayloadRefused: `data` holds what could not be carried unchanged.
            QueueClosed: Redis is empty or being rebuilt; nothing was changed.
        """
        validate_payload(event.data)
        event_id = str(event.event_id)
        answer, twin = await self._scripts.run(
            "enqueue",
            event_id,
            event.dedup_key,
            to_ms(event.created_at),
            encode_event(event),
            "1" if remember_while_in_flight else "0",
            self._receipt_ms,
            "1" if self._is_wary else "0",
            receipt=f"event:{event_id}" if message_id is None else f"message:{event.account_id}:{message_id}",
        )
        return _outcome(answer, twin, event, message_id)


def _outcome(answer: str, twin: str, event: RebalanceEvent, message_id: str | None) -> IntakeOutcome:
    match answer:
        case "queued":
            return Queued(event)
        case "duplicate":
            return Duplicate(UUID(twin))
        case "remembered":
            return Remembered(UUID(twin))
        case "seen":
            return AlreadySeen(message_id or str(event.event_id))
        case "closed":
            raise QueueClosed(twin)
        case _:
            raise CorruptQueue(f"enqueue of event {event.event_id} answered {answer!r}")
