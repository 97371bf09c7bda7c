"""What Redis remembers of audit records that were taken out of it to a file, on whichever machine."""

import json
from dataclasses import asdict, dataclass

from event_queue.errors import CorruptQueue


@dataclass(frozen=True, slots=True)
class SpillMarker:
    """One spill, as it was when records were last added to it."""

    spill_id: str
    """Identity of its directory, wherever that is mounted."""
    first: int
    """Counter of the oldest record that was not stored then."""
    last: int
    """Counter of its youngest record."""
    last_id: str
    """Stream id of that record."""
    host: str
    directory: str

    def overlaps(self, first: int, last: int) -> bool:
        """Whether some of these counters are in it."""
        return self.first <= last and first <= self.last

    def __str__(self) -> str:
        """Where to look for it."""
        return f"{self.directory} on host {self.host} ({self.first} to {self.last})"

    def encode(self) -> str:
        """As JSON; the same marker always gives the same text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def decode(cls, text: str) -> "SpillMarker":
        """Read one back.

        Raises:
            CorruptQueue: the text is no marker of ours.
        """
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError) as error:
            raise CorruptQueue(f"Redis holds an unreadable marker of a spill: {text[:200]!r}") from error
