"""What an earlier process has left in the directory of a spill."""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from event_queue.audit import AuditRecord
from event_queue.errors import SpillDamaged
from event_queue.spill_segment import OPEN_SUFFIX, Segment, recover, sync_directory

_AT_ONCE: Final = 1000


def identity_of(directory: Path) -> str:
    """The directory's own name, made up at its first use and never changed."""
    path = directory / "spill-id"
    with suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    unfinished = directory / "spill-id.tmp"
    with unfinished.open("w", encoding="ascii") as file:
        file.write(f"{uuid4()}\n")
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    sync_directory(directory)
    sync_directory(directory.parent)
    return path.read_text("ascii").strip()


def segments_of(directory: Path) -> list[Segment]:
    """Every segment in the order of its records; those left open are sealed."""
    left_open = [recover(path) for path in sorted(directory.glob(f"*{OPEN_SUFFIX}"))]
    named = [Segment.named(path) for path in directory.iterdir()]
    found = {segment.path: segment for segment in (*left_open, *named) if segment is not None}
    return sorted(found.values(), key=lambda segment: (segment.first, segment.last))


def last_record(segments: Sequence[Segment]) -> AuditRecord | None:
    """The youngest record, which later ones must follow; None when there is none that can be read."""
    last: AuditRecord | None = None
    with suppress(SpillDamaged):
        for segment in segments[-1:]:
            offset = 0
            while last is None or last.counter < segment.last:
                records, offset = segment.read(offset, _AT_ONCE)
                last = records[-1]
    return last


def oldest_moment(segments: Sequence[Segment]) -> datetime | None:
    """When the oldest record was made; None when there is none that can be read."""
    with suppress(SpillDamaged):
        for segment in segments[:1]:
            records, _ = segment.read(0, 1)
            return records[0].recorded_at
    return None
