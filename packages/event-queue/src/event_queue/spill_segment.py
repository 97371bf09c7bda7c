"""One file of the spill: made whole or not at all, appended to with fsync, sealed by its name.

A segment is first `<first counter>.open`. Once nothing more is appended it is renamed to
`<first counter>-<last counter>.jsonl`; what stands behind the last counter was never promised to anybody.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from event_queue.audit import AuditRecord
from event_queue.errors import SpillDamaged
from event_queue.spill_lines import decode_line, decode_spilled, encode_line, encode_spilled

OPEN_SUFFIX: Final = ".open"
_SEALED: Final = re.compile(r"(\d{20})-(\d{20})\.jsonl")
_FORMAT: Final = 1
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment."""

    path: Path
    first: int
    """Counter of its first record."""
    last: int
    """Counter of its last record."""

    @classmethod
    def named(cls, path: Path) -> "Segment | None":
        """The segment that a file's name tells of, None when it is no sealed segment."""
        found = _SEALED.fullmatch(path.name)
        return cls(path, int(found[1]), int(found[2])) if found else None

    def read(self, offset: int, limit: int) -> tuple[Sequence[AuditRecord], int]:
        """Up to `limit` records from a byte offset (0: the first record), and the offset behind them.

        Raises:
            OSError: the disk cannot be read.
            SpillDamaged: a line that was written and synced can no longer be read.
        """
        with self.path.open("rb") as file:
            file.seek(offset)
            if not offset:
                file.readline()
            records: list[AuditRecord] = []
            while len(records) < limit and not (records and records[-1].counter >= self.last):
                record = decode_spilled(file.readline())
                if record is None:
                    raise SpillDamaged(self.path, after=records[-1].counter if records else None)
                records.append(record)
            return records, file.tell()


class OpenSegment:
    """The segment that is being written."""

    def __init__(self, path: Path, file: BinaryIO, first: int) -> None:
        self.first = first
        self.last = first - 1
        """Counter of the last record that is safely on disk."""
        self._path = path
        self._file = file

    @classmethod
    def create(cls, directory: Path, first: int, header: dict[str, Any]) -> Self:
        """Start a segment whose header is on disk before the file has its name.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        path = directory / f"{first:020d}{OPEN_SUFFIX}"
        unfinished = path.with_suffix(".tmp")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _PRIVATE)
        file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            _write(file, encode_line({"format": _FORMAT, "first": first, **header}))
            unfinished.rename(path)
            sync_directory(directory)
        except OSError:
            file.close()
            raise
        return cls(path, file, first)

    @property
    def size(self) -> int:
        """Bytes written."""
        return self._file.tell()

    def append(self, records: Sequence[AuditRecord]) -> None:
        """Write records and wait until they are on disk.

        Raises:
            OSError: they are not; the segment must be sealed, and nothing more be appended to it.
        """
        _write(self._file, b"".join(encode_spilled(record) for record in records))
        self.last = records[-1].counter

    def seal(self) -> Segment | None:
        """Close it and give it the name of what is safely in it; None, and no file, when that is nothing.

        On a disk that fails it keeps its name, and is found again by the next process.
        """
        with suppress(OSError):
            self._file.close()
            return _sealed(self._path, self.first, self.last)
        return Segment(self._path, self.first, self.last) if self.last >= self.first else None


def recover(path: Path) -> Segment | None:
    """Seal a segment that a dead process left open, at its last whole line; None when it holds no record.

    Raises:
        OSError: the disk cannot be read or written.
    """
    counters = [record.counter for record in _whole_records(path)]
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return _sealed(path, counters[0], counters[-1]) if counters else _sealed(path, 1, 0)


def sync_directory(directory: Path) -> None:
    """Wait until the names in a directory are on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole_records(path: Path) -> Iterator[AuditRecord]:
    with path.open("rb") as file:
        header = decode_line(file.readline())
        if header is None:
            return
        while (record := decode_spilled(file.readline())) is not None:
            yield record


def _sealed(path: Path, first: int, last: int) -> Segment | None:
    if last < first:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
        return None
    target = path.with_name(f"{first:020d}-{last:020d}.jsonl")
    path.rename(target)
    sync_directory(path.parent)
    return Segment(target, first, last)


def _write(file: BinaryIO, content: bytes) -> None:
    """Write all of it; an unbuffered file may take less at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    os.fsync(file.fileno())
