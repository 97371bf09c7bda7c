"""Once a day, what has ended long ago leaves PostgreSQL, where `purge_until.sql` says what stays.

Log events: audit_purged (events=), audit_not_purged.
"""

from datetime import timedelta

import structlog

from event_broker.settings import PURGE_INTERVAL, PURGE_RETRY
from event_queue.errors import AuditUnavailable
from event_queue.ports.history import AuditStore
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


async def purge_daily(audit: AuditStore, retention: timedelta, clock: Clock) -> None:
    """Purge now and once a day, until cancelled; while PostgreSQL is away, every ten minutes again."""
    while True:
        done = await _purge(audit, retention, clock)
        await clock.pause((PURGE_INTERVAL if done else PURGE_RETRY).total_seconds())


async def _purge(audit: AuditStore, retention: timedelta, clock: Clock) -> bool:
    try:
        events = await audit.purge(now=clock.now(), retention=retention)
    except AuditUnavailable as error:
        _log.warning("audit_not_purged", reason=str(error), retry_seconds=PURGE_RETRY.total_seconds())
        return False
    _log.info("audit_purged", events=events)
    return True
