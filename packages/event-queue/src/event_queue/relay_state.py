"""How the relay is doing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RelayState:
    """How the relay is doing, for health."""

    stored: int = 0
    """Records stored since it started."""
    lag_records: int | None = None
    """Records waiting in outbox and spill when it last looked; None before it could look."""
    lag_seconds: float | None = None
    """Age of the oldest record that waits, or of the latest batch's; 0 when nothing waited."""
    last_error: str | None = None
    """What stopped the latest attempt; None when it went well."""
    postgres_is_away: bool = False
    """Whether that was PostgreSQL not serving."""
    failing_since: datetime | None = None
    """Start of the present run of failures."""
