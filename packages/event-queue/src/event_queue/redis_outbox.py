"""The stream of audit records, as the relay reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from event_queue.audit import AuditRecord
from event_queue.outbox_entry import decode_entry
from event_queue.outbox_size import OutboxSize
from event_queue.redis_errors import translated
from event_queue.script_runner import ScriptRunner
from event_queue.spill_marker import SpillMarker

_LONGEST_BLOCK: Final = timedelta(seconds=5)
_TYPICAL_RECORD_BYTES: Final = 400
_AT_ONCE: Final = 1000
"""Records that Redis is asked for with one command, so that nobody else waits long for it."""


class RedisOutbox:
    """`Outbox` on Redis."""

    def __init__(self, scripts: ScriptRunner, client: "Redis", blocking: "Redis") -> None:
        """Take the scripts, the common client, and one of its own for the wait (read timeout above 5 s)."""
        self._scripts = scripts
        self._client: Any = client
        self._blocking: Any = blocking
        # Entries come in thousands, and redis-py makes a mapping of each.
        self._blocking.set_response_callback("XREAD", _as_sent)
        self._stream = scripts.keys.outbox

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """Records after a stream id, oldest first; waits up to `block` (at most 5 s) for the first one."""
        records = await self._read_some(after, limit, max(1, min(block, _LONGEST_BLOCK) // timedelta(milliseconds=1)))
        asked = _AT_ONCE
        while asked < limit and len(records) == asked:
            records += await self._read_some(records[-1].stream_id, limit - asked, None)
            asked += _AT_ONCE
        return tuple(records)

    async def _read_some(self, after: str, most: int, block: int | None) -> list[AuditRecord]:
        wait = () if block is None else ("BLOCK", block)
        with translated("outbox_read"):
            streams = await self._blocking.execute_command(
                "XREAD", *wait, "COUNT", min(most, _AT_ONCE), "STREAMS", self._stream, after
            )
        return [decode_entry(stream_id, words) for stream_id, words in streams[0][1]] if streams else []

    async def trim(self, through: str) -> None:
        """Drop the records up to and including a stream id, exactly; none where they are no longer those read."""
        await self._scripts.run("trim", through, _next_id(through))

    async def length(self) -> int:
        """Records waiting."""
        with translated("outbox_length"):
            return await self._client.xlen(self._stream)

    async def size(self) -> OutboxSize:
        """How much of Redis's memory the waiting records take, at a cost that does not depend on their number."""
        with translated("outbox_size"):
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.xlen(self._stream)
                pipeline.memory_usage(self._stream)
                pipeline.info("memory")
                pipeline.exists(self._scripts.keys.halt)
                records, used, memory, halts = await pipeline.execute(raise_on_error=False)
            return replace(_size(_answer(records), used, memory), is_halted=_answer(halts) > 0)

    async def take_out(self, through: str, marker: SpillMarker) -> bool:
        """Drop the records up to and including a stream id, which are safely in a file, and remember which file.

        False where they are no longer those read; nothing was changed.
        """
        reply = await self._scripts.run("spill", marker.spill_id, marker.encode(), through, _next_id(through))
        return reply[0] == "ok"

    async def spills(self) -> Sequence[SpillMarker]:
        """Every file that records were taken out to and not yet stored from, oldest records first."""
        with translated("spills_read"):
            texts: list[str] = await self._client.hvals(self._scripts.keys.spilled)
        return sorted((SpillMarker.decode(text) for text in texts), key=lambda marker: (marker.first, marker.last))

    async def forget_spill(self, marker: SpillMarker) -> None:
        """Forget a file whose records are all stored, unless it has changed since the marker was read."""
        await self._scripts.run("unspill", marker.spill_id, marker.encode())


def _as_sent(reply: Any, **_: Any) -> Any:
    return reply


def _next_id(stream_id: str) -> str:
    milliseconds, _, sequence = stream_id.partition("-")
    return f"{milliseconds}-{int(sequence or 0) + 1}"


def _answer(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply


def _size(records: int, used: Any, memory: Any) -> OutboxSize:
    """The size from what Redis told; servers that do not tell are estimated."""
    told: Mapping[str, Any] = {} if isinstance(memory, ResponseError) else _answer(memory)
    taken = records * _TYPICAL_RECORD_BYTES if isinstance(used, ResponseError) else _answer(used)
    return OutboxSize(
        records=records,
        bytes=int(taken or 0),
        redis_used=int(told.get("used_memory", 0)),
        redis_limit=int(told.get("maxmemory", 0)),
    )
