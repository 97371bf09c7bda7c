"""Ids of new events: random, and in the order in which the events are made.

History keeps them in indexes. The places of ids that are random as a whole lie all over these, so that each event would
have pages of its own to be changed and logged; those of ids that begin with their moment (UUID version 7, RFC 9562)
lie side by side.
"""

from datetime import datetime
from secrets import randbits
from typing import Final
from uuid import UUID

_VERSION_AND_VARIANT: Final = 7 << 76 | 2 << 62
_LOWER_BITS: Final = 62
"""Random ones behind the two bits of the variant; twelve more stand between these and the four of the version."""


def new_event_id(now: datetime) -> UUID:
    """An id that nobody else makes, for an event of this (aware) moment: 48 bits of milliseconds, 74 random ones."""
    milliseconds = int(now.timestamp() * 1000) & (1 << 48) - 1
    upper, lower = divmod(randbits(74), 1 << _LOWER_BITS)
    return UUID(int=milliseconds << 80 | _VERSION_AND_VARIANT | upper << 64 | lower)
