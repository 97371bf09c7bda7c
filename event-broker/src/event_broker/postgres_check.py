"""Whether PostgreSQL keeps the history that the relay gives it and Redis then drops.

Looked at once it answers, and every ten minutes, for another PostgreSQL may take its place. That it is away is the
relay's to tell.

Log events: postgres_not_durable.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from event_queue.errors import AuditUnavailable
from service_runtime.clock import Clock

RETRY_SECONDS: Final = 60.0
AGAIN_SECONDS: Final = 600.0

_log = structlog.get_logger(__name__)


async def check_postgres(look: Callable[[], Awaitable[Sequence[str]]], clock: Clock) -> None:
    """Look until cancelled; each danger is told once as long as it lasts."""
    told: Sequence[str] = ()
    while True:
        pause = RETRY_SECONDS
        with suppress(AuditUnavailable):
            dangers = await look()
            for reason in dangers:
                if reason not in told:
                    _log.warning("postgres_not_durable", reason=reason)
            told, pause = dangers, AGAIN_SECONDS
        await clock.pause(pause)
