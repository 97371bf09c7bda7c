"""The switch that stops and restarts trading, in Redis."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from redis.asyncio import Redis

from event_queue.codec import decode_pause, encode_details, encode_pause
from event_queue.outcomes import Pause
from event_queue.redis_errors import translated
from event_queue.script_runner import ScriptRunner

_RESUME_RECEIPT_MS: Final = 600_000


class RedisTradingSwitch:
    """`TradingSwitch` on Redis: at most one pause an account and one for all, so reading all is cheap."""

    def __init__(self, scripts: ScriptRunner, client: "Redis") -> None:
        """Take the runner of the queue's scripts and the client for plain reads."""
        self._scripts = scripts
        self._client: Any = client

    async def pause(self, scope: str, *, actor: str, reason: str) -> Pause:
        """Pause a scope; works at Redis's memory limit too."""
        words = encode_pause(scope, actor=actor, reason=reason)
        details = encode_details({"scope": scope, "actor": actor, "reason": reason})
        _, pause = await self._scripts.run("pause", scope, words, details)
        return decode_pause(pause)

    async def resume(self, scope: str, *, actor: str) -> Pause | None:
        """Lift the pause of a scope and wake the worker for the events that waited for it."""
        details = encode_details({"scope": scope, "actor": actor})
        _, *lifted = await self._scripts.run("resume", scope, details, _RESUME_RECEIPT_MS, receipt=f"resume:{uuid4()}")
        return decode_pause(lifted[0]) if lifted else None

    async def read(self) -> Mapping[str, Pause]:
        """Every pause in force, by scope, in the order of the scopes."""
        with translated("pauses_read"):
            told: list[str] = await self._client.hvals(self._scripts.keys.paused)
        pauses = (decode_pause(text) for text in told)
        return {pause.scope: pause for pause in sorted(pauses, key=lambda pause: pause.scope)}
