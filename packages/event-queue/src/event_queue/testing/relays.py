"""A relay with a standing clock, and the PostgreSQL that it carries to."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from event_queue.postgres_pool import PostgresAddress
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill

RELAY_NOW: Final = datetime(2025, 6, 24, tzinfo=UTC)
"""The moment at which every such relay believes to be."""


def address_of(dsn: str) -> PostgresAddress:
    """Where a test's PostgreSQL database is."""
    parts = urlsplit(dsn)
    return PostgresAddress(
        host=parts.hostname or "", port=parts.port or 0, user=parts.username or "", database=parts.path.lstrip("/")
    )


def relay_of(outbox: Any, store: Any, *, spill: Spill | None = None, batch: int = 50) -> OutboxRelay:
    """A relay whose pauses take no time; both ends may be fakes."""

    async def no_pause(_: timedelta) -> None:
        """Nothing to wait for."""

    return OutboxRelay(outbox, store, now=lambda: RELAY_NOW, pause=no_pause, batch=batch, spill=spill)
