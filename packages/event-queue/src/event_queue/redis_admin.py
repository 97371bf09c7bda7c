"""What operators see of the queue, and the one thing they change: removing an event."""

from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from redis.asyncio import Redis

from event_queue.codec import decode_event, encode_details, from_ms
from event_queue.errors import CorruptQueue
from event_queue.outcomes import (
    Deleted,
    DeleteOutcome,
    EventState,
    InProgress,
    LivingEvent,
    NotFound,
    QueueStatus,
    RedisCondition,
)
from event_queue.redis_condition import condition_of
from event_queue.redis_errors import translated
from event_queue.script_runner import ScriptRunner

MOST_LISTED: Final = 1000
"""Most events one listing returns, however many are asked for."""
FAR_AHEAD_MS: Final = 4e15
"""Due times from here on stand for "when trading is resumed"; the scripts add it to the moment of parking."""
_DELETE_RECEIPT_MS: Final = 600_000


class RedisQueueAdmin:
    """`QueueAdmin` on Redis."""

    def __init__(self, scripts: ScriptRunner, client: "Redis") -> None:
        """Take the runner of the queue's scripts and the client for plain reads."""
        self._scripts = scripts
        self._client: Any = client

    async def status(self) -> QueueStatus:
        """Counters, in one round trip whose cost does not depend on the queue's length."""
        waiting, active, age_ms, retrying, in_hand, aside, records, waited_ms, halt = await self._scripts.run("status")
        return QueueStatus(
            queue_length=waiting,
            active_events_count=active,
            oldest_event_age_seconds=age_ms // 1000,
            events_with_retries=retrying,
            processing=in_hand,
            delayed=aside,
            outbox_length=records,
            outbox_age_seconds=waited_ms // 1000,
            halt=halt,
        )

    async def list_events(self, limit: int, *, offset: int = 0) -> Sequence[LivingEvent]:
        """Up to `limit` (at most 1000) living events in the order in which they will run, behind the first `offset`."""
        if limit < 1:
            return ()
        return tuple(_living(await self._scripts.run("list", min(limit, MOST_LISTED), offset)))

    async def get_event(self, event_id: UUID) -> LivingEvent | None:
        """One living event."""
        return next(_living(await self._scripts.run("find", str(event_id))), None)

    async def delete(self, event_id: UUID, *, actor: str) -> DeleteOutcome:
        """Remove an event that is not in work; its account and command come from the event itself."""
        found = await self.get_event(event_id)
        if found is None:
            return NotFound()
        answer, *body = await self._scripts.run(
            "delete",
            str(event_id),
            found.event.dedup_key,
            encode_details({"actor": actor}),
            _DELETE_RECEIPT_MS,
            receipt=f"delete:{uuid4()}",
        )
        return _delete_outcome(answer, body)

    async def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        with translated("ping"):
            await self._client.ping()

    async def condition(self) -> RedisCondition:
        """Whether Redis takes writes and keeps them, by its settings and its state."""
        return await condition_of(self._client)


def _living(reply: Sequence[str]) -> Iterator[LivingEvent]:
    for state, due, body in zip(reply[::3], reply[1::3], reply[2::3], strict=True):
        is_timed = due and float(due) < FAR_AHEAD_MS
        yield LivingEvent(decode_event(body), EventState(state), from_ms(float(due)) if is_timed else None)


def _delete_outcome(answer: str, body: Sequence[str]) -> DeleteOutcome:
    match answer:
        case "deleted":
            return Deleted(decode_event(body[0]))
        case "in_progress":
            return InProgress()
        case "not_found":
            return NotFound()
        case _:
            raise CorruptQueue(f"delete answered {answer!r}")
