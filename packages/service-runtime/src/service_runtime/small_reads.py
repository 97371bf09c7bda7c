"""Reads from sockets in small pieces, so that a process that lives for months does not grow.

asyncio lets `recv` allocate 256 KiB and gives back what did not come. A block of that size is found at the top of the
heap alone; whatever is allocated before it is given back stays there, and the next read begins behind it. So the heap
creeps upwards for hours, by 3 MB an hour in a busy event-broker, with holes in it that nothing fills.
"""

from asyncio import selector_events
from typing import Any, Final

PIECE_BYTES: Final = 16 * 1024
"""Most of what arrives here is smaller; the rest comes in several pieces."""


def read_in_small_pieces() -> None:
    """Have every connection of this process read so; asyncio has no setting for it."""
    module: Any = selector_events
    module._SelectorSocketTransport.max_size = PIECE_BYTES  # noqa: SLF001 - the only place
