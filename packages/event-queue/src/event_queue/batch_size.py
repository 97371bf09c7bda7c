"""How many records go into one transaction, so that PostgreSQL can take it in the time that it is given."""

from collections.abc import Sequence
from typing import Final

from event_queue.audit import AuditRecord

_FIRST: Final = 200
"""Nobody knows yet how large the records are that wait."""
_QUICK_SECONDS: Final = 5.0
"""A batch that took less may be twice as large: it stays far from the limit of what a connection is used for."""
_BYTES: Final = 8_000_000
"""Events and details of a batch; a slow disk takes them in a few seconds, and twice as much fits beside the service."""


class BatchSize:
    """Halved by each batch that was not stored, or PostgreSQL would never be done with what is too much for it.

    It grows again by batches that were stored quickly, as far as records of the size of the latest ones may together.
    """

    def __init__(self, most: int) -> None:
        """Take how many records are ever stored together."""
        self._most = most
        self.limit = min(most, _FIRST)
        """Records of the next batch, at least one."""

    def stored(self, records: Sequence[AuditRecord], *, seconds: float) -> None:
        """A batch, not empty, was stored in that time."""
        letters = sum(len(record.event_json) + len(record.details_json) for record in records)
        fitting = _BYTES * len(records) // max(1, letters)
        wanted = 2 * self.limit if seconds < _QUICK_SECONDS else self.limit
        self.limit = max(1, min(self._most, fitting, wanted))

    def not_stored(self) -> None:
        """PostgreSQL did not answer, or not in time."""
        self.limit = max(1, self.limit // 2)
