"""The service's own constants: how long it waits for Ably before it does something about it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True)
class AblyTiming:
    """Bounds of every wait on Ably, in seconds."""

    request_seconds: float = 10
    """The SDK's own limit for one connect, attach or ping."""
    attach_seconds: float = 30
    """For attaching one channel, including a reconnect on the way; the SDK would wait for ever."""
    ping_interval_seconds: float = 15
    """How often a connection that claims to be up is asked to prove it."""
    retry_seconds: float = 10
    """At most one new client in this time, and one new attempt at a channel that Ably refused."""
    history_seconds: float = 20
    """For reading one page of one channel's history; after each page that did not come in time twice as long."""
    history_longest_seconds: float = 160
    """The longest that one page is waited for."""
    hold_seconds: float = 5
    """For how long at most live messages wait for the history that belongs before them; a refusal ends it at once."""
    close_seconds: float = 2
    """For taking leave of Ably; after that the socket is left to die with its client."""


INTAKE_RETRY_SECONDS: Final = 2.0
"""Pause before a message that Redis did not take is offered again; fixed, and the messages behind it wait."""

SPOOL_RETRY_SECONDS: Final = 1.0
"""From one try of the folder of waiting signals to the next, while it cannot be used."""

DRAIN_SECONDS: Final = 3.0
"""How long messages already received are still taken in after the stop signal; a later start rewinds to the rest."""

GRACE_SECONDS: Final = 6.0
"""From the stop signal until what has not ended is cancelled."""

SCAN_SECONDS: Final = 1.0
"""From one look into the folder of trigger files to the next."""

SETTLE_SECONDS: Final = 5.0
"""A trigger file that cannot be read as a whole document is refused when it has not changed for so long."""

BROKEN_OFF_SECONDS: Final = 15.0
"""The same for one whose document only breaks off, for a writer that takes its time."""

OLDEST_FILE: Final = timedelta(hours=48)
"""An older trigger file is refused. It has to be less than what the queue remembers of a file taken in, 72 hours."""

LOOK_SECONDS: Final = 2.0
"""From one look at the outbox's size to the next."""

PURGE_INTERVAL: Final = timedelta(days=1)
PURGE_RETRY: Final = timedelta(minutes=10)
"""After a purge that PostgreSQL did not carry out."""
