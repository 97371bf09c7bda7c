"""How many records go into one transaction: what PostgreSQL takes in its time."""

from datetime import UTC, datetime

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.batch_size import BatchSize

SMALL = 500
LARGE = 64_000
"""Letters of an event whose payload is as large as one may be."""


def records(count: int, *, letters: int) -> list[AuditRecord]:
    moment = datetime(2025, 6, 24, tzinfo=UTC)
    return [
        AuditRecord(number, f"{number}-0", AuditKind.QUEUED, None, "DU1", moment, "x" * letters, "{}")
        for number in range(1, count + 1)
    ]


def test_quick_batches_of_small_records_grow_to_the_most() -> None:
    """A long outage is caught up with in few transactions."""
    size = BatchSize(2000)
    limits = [size.limit]
    for _ in range(5):
        size.stored(records(size.limit, letters=SMALL), seconds=0.1)
        limits.append(size.limit)

    assert limits == [200, 400, 800, 1600, 2000, 2000]


def test_a_slow_batch_does_not_grow() -> None:
    """Twice as much might not be done in time."""
    size = BatchSize(2000)
    size.stored(records(200, letters=SMALL), seconds=9)

    assert size.limit == 200


def test_large_records_make_small_batches() -> None:
    """Two thousand of the largest take all the time there is, on a disk that is well."""
    size = BatchSize(2000)
    size.stored(records(200, letters=LARGE), seconds=0.1)

    assert 8_000_000 / LARGE * 0.9 < size.limit <= 8_000_000 / LARGE


@pytest.mark.parametrize("most", [1, 3, 2000])
def test_there_is_always_a_next_batch(most: int) -> None:
    """However often PostgreSQL did not answer, and however large a record is."""
    size = BatchSize(most)
    for _ in range(20):
        size.not_stored()
    after_failures = size.limit
    size.stored(records(1, letters=10_000_000), seconds=0.1)

    assert (after_failures, size.limit) == (1, 1)
