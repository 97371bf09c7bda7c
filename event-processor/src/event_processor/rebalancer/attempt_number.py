"""Which number an attempt's orders carry in their references."""

from collections.abc import Iterable
from uuid import UUID


def unused_attempt(event_id: UUID, attempt: int, known_refs: Iterable[str]) -> int:
    """The attempt's own number, or the next one that no order at the brokerage carries.

    The two differ only for an event that came back after Redis had lost later attempts of it: no order's reference is
    ever used again.
    """
    numbers = (ref.split(":") for ref in known_refs)
    used = (int(parts[1]) for parts in numbers if parts[0] == str(event_id) and len(parts) > 1 and parts[1].isdecimal())
    return max(attempt, max(used, default=0) + 1)
