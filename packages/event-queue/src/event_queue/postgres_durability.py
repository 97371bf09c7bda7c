"""Whether this PostgreSQL keeps what it has committed, by its settings: records leave Redis on its word."""

from collections.abc import Mapping, Sequence
from typing import Final

_DANGERS: Final[Mapping[str, str]] = {
    "fsync": "a power failure can lose or damage history, which Redis does not hold any more",
    "full_page_writes": "a power failure in mid-write can damage history, which Redis does not hold any more",
    "synchronous_commit": "a power failure can lose the last records of history, which Redis does not hold any more",
}


def durability_dangers(settings: Mapping[str, str]) -> Sequence[str]:
    """One sentence for each setting that is off; other values differ only in what standby servers hold by then."""
    return tuple(
        f"PostgreSQL has {name}=off: {danger}" for name, danger in _DANGERS.items() if settings.get(name) == "off"
    )
