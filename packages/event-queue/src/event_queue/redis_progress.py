"""How far each channel of signals has been taken in, kept in Redis across restarts.

One HASH, channel -> JSON `{heard_until, message_id, message_at, missed}`. It is written after intake, never before:
what it does not yet tell is read again, and recognised there.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from event_queue.errors import CorruptQueue
from event_queue.progress import MissedStretch, Progress
from event_queue.redis_errors import translated


class RedisProgress:
    """Reads and writes the progress of every channel."""

    def __init__(self, client: "Redis", key: str) -> None:
        """Take an open client that decodes replies, which stays the caller's to close, and the key of the HASH."""
        self._client: Any = client
        self._key = key

    async def read(self) -> dict[str, Progress]:
        """The progress of every channel known.

        Raises:
            CorruptQueue: an entry cannot be read.
            QueueUnavailable: no answer.
        """
        with translated("progress_read"):
            stored: dict[str, str] = await self._client.hgetall(self._key)
        return {channel: _decode(channel, text) for channel, text in stored.items()}

    async def write(self, progress: Mapping[str, Progress]) -> None:
        """Replace the progress of some channels, at least one.

        Raises:
            QueueFull: Redis is at its memory limit; nothing was changed.
            QueueUnavailable: no answer; repeat.
        """
        with translated("progress_write"):
            await self._client.hset(self._key, mapping={name: _encode(each) for name, each in progress.items()})

    async def start_over(self, progress: Mapping[str, Progress]) -> None:
        """Replace the progress of all channels in one step.

        Raises:
            QueueUnavailable: no answer; repeat.
        """
        with translated("progress_start_over"):
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.delete(self._key)
                if progress:
                    pipeline.hset(self._key, mapping={name: _encode(each) for name, each in progress.items()})
                await pipeline.execute()

    async def forget(self, channels: Iterable[str]) -> None:
        """Drop channels that nobody follows any more."""
        names = tuple(channels)
        if names:
            with translated("progress_forget"):
                await self._client.hdel(self._key, *names)


def _encode(progress: Progress) -> str:
    missed = progress.missed
    fields = {
        "heard_until": progress.heard_until.isoformat(),
        "message_id": progress.message_id,
        "message_at": progress.message_at.isoformat() if progress.message_at else None,
        "missed": [each.isoformat() for each in (missed.since, missed.until, missed.noticed_at)] if missed else None,
    }
    return json.dumps(fields, separators=(",", ":"))


def _decode(channel: str, text: str) -> Progress:
    try:
        raw = json.loads(text)
        return Progress(
            heard_until=_moment(raw["heard_until"]),
            message_id=raw["message_id"],
            message_at=_moment(raw["message_at"]) if raw["message_at"] else None,
            missed=MissedStretch(*map(_moment, raw["missed"])) if raw["missed"] else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptQueue(f"unreadable progress of channel {channel!r}: {text[:200]!r}") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment
