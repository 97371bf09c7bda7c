"""The stream of audit records, as the relay reads it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis

from event_queue.audit import AuditRecord
from event_queue.codec import decode_record
from event_queue.keys import QueueKeys
from event_queue.redis_errors import translated

_LONGEST_BLOCK: Final = timedelta(seconds=5)


class RedisOutbox:
    """`Outbox` on Redis."""

    def __init__(self, client: "Redis", blocking: "Redis", keys: QueueKeys) -> None:
        """Take the common client, and one of its own for the wait (read timeout above 5 s)."""
        self._client: Any = client
        self._blocking: Any = blocking
        self._stream = keys.outbox

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """Records after a stream id, oldest first; waits up to `block` (at most 5 s) for the first one."""
        milliseconds = max(1, min(block, _LONGEST_BLOCK) // timedelta(milliseconds=1))
        with translated("outbox_read"):
            streams = await self._blocking.xread({self._stream: after}, count=limit, block=milliseconds)
        if not streams:
            return ()
        return tuple(decode_record(stream_id, fields) for stream_id, fields in streams[0][1])

    async def trim(self, through: str) -> None:
        """Drop the records up to and including a stream id, exactly."""
        milliseconds, _, sequence = through.partition("-")
        first_kept = f"{milliseconds}-{int(sequence or 0) + 1}"
        with translated("outbox_trim"):
            await self._client.xtrim(self._stream, minid=first_kept, approximate=False)

    async def length(self) -> int:
        """Records waiting."""
        with translated("outbox_length"):
            return await self._client.xlen(self._stream)
