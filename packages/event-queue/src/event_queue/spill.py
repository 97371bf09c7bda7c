"""Audit records on disk, for as long as PostgreSQL is away longer than Redis can hold them.

The directory belongs to one process at a time (`lock`) and has an identity of its own (`spill-id`), under which Redis
remembers what was taken out of it. Records lie in segments (`spill_segment`), oldest first; a segment is deleted once
all of it has been stored. A record may lie here and in the outbox, or in PostgreSQL, at the same time, never nowhere.
"""

import fcntl
import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from event_queue.audit import AuditRecord
from event_queue.errors import HistoryDiverged, SpillUnavailable
from event_queue.one_past import HistoryPosition
from event_queue.spill_directory import identity_of, last_record, oldest_moment, segments_of
from event_queue.spill_marker import SpillMarker
from event_queue.spill_segment import OpenSegment, Segment, sync_directory
from event_queue.stream_ids import stream_position

SEGMENT_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Position:
    """Where reading continues in the oldest segment."""

    offset: int = 0
    """Bytes; 0 is the first record."""
    stored: int = 0
    """Counter of the last record known to be stored; 0 when none."""


class Spill:
    """The spilled records of one directory; its methods block, and may be called from any thread.

    Nothing is created or locked before `open`, which `append` calls by itself.
    """

    def __init__(self, directory: Path, *, host: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Name the directory, and this machine for the eyes of operators."""
        self.directory = directory.absolute()
        self.records = 0
        """How many records are here and not known to be stored."""
        self.oldest_at: datetime | None = None
        """When the oldest record here was made, as far as it has been read; None when it was not."""
        self._host = host
        self._segment_bytes = segment_bytes
        self._guard = Lock()
        self._lock: int | None = None
        self._id = ""
        self._sealed: list[Segment] = []
        self._open: OpenSegment | None = None
        self._last: AuditRecord | None = None
        self._position = _Position()
        self._ahead: tuple[_Position, AuditRecord] | None = None

    @property
    def exists(self) -> bool:
        """Whether an earlier process has left a spill here."""
        return self.directory.is_dir()

    @property
    def end(self) -> HistoryPosition | None:
        """The youngest record here, which Redis has passed; None when none is known."""
        last = self._last
        return HistoryPosition(last.counter, last.stream_id) if last and self.records else None

    @property
    def is_open(self) -> bool:
        """Whether the directory is ours."""
        return self._lock is not None

    def open(self) -> None:
        """Make the directory ours and find what an earlier process left in it; again: nothing.

        Raises:
            SpillUnavailable: another process has it, or the disk cannot be used.
        """
        with self._guard, _on_disk(self.directory):
            self._ensure_open()

    def append(self, records: Sequence[AuditRecord]) -> SpillMarker:
        """Put records behind those that are here; on return they are safe on disk.

        Records that are here already are recognised.

        Returns:
            What Redis shall remember of all that is here.

        Raises:
            HistoryDiverged: a record contradicts those that are here: Redis went back in time.
            SpillUnavailable: they are not safe; keep them.
        """
        with self._guard, _on_disk(self.directory):
            self._ensure_open()
            fresh = self._fresh(records)
            if fresh:
                self._write(fresh)
            return self._marker(records[-1])

    def read(self, limit: int) -> Sequence[AuditRecord]:
        """The oldest records, at most so many; the same again until `release`. Empty when nothing is here.

        Raises:
            SpillDamaged: what was safely written can no longer be read.
            SpillUnavailable: the disk cannot be read.
        """
        with self._guard, _on_disk(self.directory):
            if not self._sealed:
                self._seal()
            if not self._sealed:
                return ()
            records, offset = self._sealed[0].read(self._position.offset, limit)
            self._ahead = (_Position(offset, records[-1].counter), records[-1])
            self.oldest_at = records[0].recorded_at
            return records

    def release(self) -> None:
        """Forget the records of the latest `read`, which have been stored.

        Raises:
            SpillUnavailable: the disk cannot be written; they will be read again.
        """
        with self._guard, _on_disk(self.directory):
            if self._ahead is None:
                return
            self._position, last = self._ahead
            self._ahead = None
            done = self._sealed.pop(0) if last.counter >= self._sealed[0].last else None
            if done is not None:
                self._position = _Position()
            self._count()
            if not self.records:
                self.oldest_at = self._last = None
            if done is not None:
                done.path.unlink(missing_ok=True)
                sync_directory(self.directory)

    def close(self) -> None:
        """Give the directory up; waits for a write that is under way."""
        with self._guard:
            self._seal()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _ensure_open(self) -> None:
        if self._lock is not None:
            return
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._id = identity_of(self.directory)
            self._sealed = segments_of(self.directory)
            self._last = last_record(self._sealed)
            self.oldest_at = oldest_moment(self._sealed)
            self._count()
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock

    def _write(self, records: Sequence[AuditRecord]) -> None:
        segment = self._open_for(records[0].counter)
        try:
            segment.append(records)
        except OSError:
            self._seal()
            raise
        self._last = records[-1]
        self.oldest_at = self.oldest_at or records[0].recorded_at
        self._count()

    def _count(self) -> None:
        sealed = sum(segment.last - segment.first + 1 for segment in self._sealed)
        done = max(0, self._position.stored - self._sealed[0].first + 1) if self._sealed else 0
        self.records = sealed - done + (self._open.last - self._open.first + 1 if self._open else 0)

    def _marker(self, last: AuditRecord) -> SpillMarker:
        firsts = [segment.first for segment in (*self._sealed[:1], self._open) if segment is not None]
        first = max(min(firsts, default=last.counter), self._position.stored + 1)
        return SpillMarker(
            self._id, first, last.counter, last.stream_id, host=self._host, directory=str(self.directory)
        )

    def _fresh(self, records: Sequence[AuditRecord]) -> Sequence[AuditRecord]:
        """Those of the records that are not here yet."""
        if self._last is None:
            return records
        end = stream_position(self._last.stream_id)
        fresh = [record for record in records if record.counter > self._last.counter]
        later = [record for record in records if stream_position(record.stream_id) > end]
        if fresh != later:
            odd = (later or fresh)[0]
            raise HistoryDiverged(counter=odd.counter, stream_id=odd.stream_id, known_as=self._last.stream_id)
        return fresh

    def _open_for(self, counter: int) -> OpenSegment:
        """The open segment if the record can follow there, else a new one."""
        if self._open is not None and (self._open.last + 1 != counter or self._open.size >= self._segment_bytes):
            self._seal()
        if self._open is None:
            header = {"spill": self._id, "host": self._host}
            self._open = OpenSegment.create(self.directory, counter, header)
        return self._open

    def _seal(self) -> None:
        segment, self._open = self._open, None
        sealed = segment.seal() if segment else None
        if sealed is not None:
            self._sealed.append(sealed)


@contextmanager
def _on_disk(directory: Path) -> Generator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise SpillUnavailable(f"{directory} is in the hands of another process on this machine") from error
    except OSError as error:
        raise SpillUnavailable(f"{directory} cannot be used: {error.strerror or error}") from error
