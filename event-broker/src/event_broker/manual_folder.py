"""The folder of trigger files: what lies in it, read without trusting any of it.

Whatever is no plain file is never opened or followed. Names beginning with a dot, and those ending as half-written or
kept copies do, belong to their writers and are left alone.
"""

import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count, islice
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from event_broker.errors import FileRefused, FileUnfinished, FolderUnusable
from event_queue.payloads import MAX_PAYLOAD_BYTES

FAILED: Final = "failed"
REASON_SUFFIX: Final = ".reason"
LISTED_AT_MOST: Final = 20_000
COUNTED_AT_MOST: Final = 1000
_OTHERS: Final = (".tmp", ".part", ".swp", ".bak", "~")
_NAMESPACE: Final = UUID("5a8f2d0c-5a0e-4a57-9a43-6d3c2f8b7e10")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_NAME: Final = 150
_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in the folder, as it was when it was seen."""

    name: str
    mode: int
    inode: int
    size: int
    links: int
    modified_ns: int
    changed_ns: int

    @property
    def modified_at(self) -> datetime:
        """When its content was last written."""
        return datetime.fromtimestamp(self.modified_ns / 1e9, UTC)

    @property
    def shown_name(self) -> str:
        """Its name as it can be logged and shown: whatever is unusual in it is escaped."""
        return ascii(self.name)[1:-1][:_LONGEST_NAME]

    @property
    def lasting(self) -> tuple[str, int, int, int]:
        """What stays the same when its owner or its mode is changed."""
        return self.name, self.inode, self.size, self.modified_ns

    def event_id(self, content: bytes) -> UUID:
        """The same for the same file however often it is read, another one for every other file."""
        identity = f"{self.name!a} {self.modified_ns} {self.changed_ns} {sha256(content).hexdigest()}"
        return uuid5(_NAMESPACE, identity)


class ManualFolder:
    """One folder on disk; every method blocks for as long as the disk takes."""

    def __init__(self, directory: Path) -> None:
        """Take the folder, which `entries` creates."""
        self.directory = directory
        self._failed = directory / FAILED

    def entries(self) -> list[Entry]:
        """What lies in the folder, oldest first, as far as it is listed.

        Raises:
            FolderUnusable: it can be neither read nor created.
        """
        with self._usable("watch"):
            self.directory.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.directory) as listing:
                candidates = (each.name for each in listing if not _belongs_to_others(each.name))
                found = [self._look(name) for name in islice(candidates, LISTED_AT_MOST)]
        return sorted((each for each in found if each), key=lambda each: (each.modified_ns, each.name))

    def read(self, entry: Entry) -> bytes | None:
        """The content of a plain file; None when it is gone.

        Raises:
            FileRefused: it is something else, or too large.
            FileUnfinished: it may yet become readable.
        """
        _check_kind(entry)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.directory / entry.name, flags)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileUnfinished(f"it cannot be opened: {error.strerror}") from error
        with os.fdopen(descriptor, "rb") as file:
            if _entry(entry.name, os.fstat(descriptor)) != entry:
                raise FileUnfinished("it changes while it is read")
            return file.read(MAX_PAYLOAD_BYTES + 1)

    def delete(self, entry: Entry) -> None:
        """Delete it, unless it has become another file.

        Raises:
            FolderUnusable: it has to stay.
        """
        with self._usable("delete a file of"):
            if self._look(entry.name) == entry:
                (self.directory / entry.name).unlink(missing_ok=True)

    def set_aside(self, entry: Entry, reason: str) -> None:
        """Move it to `failed/`, where the reason lies beside it already, unless it has become another file.

        Raises:
            FolderUnusable: it has to stay.
        """
        with self._usable(f"move a file to {FAILED}/ in"):
            if self._look(entry.name) != entry:
                return
            self._failed.mkdir(exist_ok=True)
            if not stat.S_ISDIR(self._failed.lstat().st_mode):
                raise FolderUnusable(f"{self._failed} is not a directory")
            place = self._free_place(entry.name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(f"{place}{REASON_SUFFIX}", flags, 0o644)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{ascii(reason)[1:-1]}\n")
            (self.directory / entry.name).rename(place)

    def failed_count(self) -> int:
        """How many refused files wait for somebody to look at them, counted up to a thousand."""
        try:
            with os.scandir(self._failed) as listing:
                names = (each.name for each in listing if not each.name.endswith(REASON_SUFFIX))
                return sum(1 for _ in islice(names, COUNTED_AT_MOST))
        except OSError:
            return 0

    def _look(self, name: str) -> Entry | None:
        try:
            return _entry(name, (self.directory / name).lstat())
        except FileNotFoundError:
            return None

    def _free_place(self, name: str) -> Path:
        """A place in `failed/` that nothing occupies; the name keeps only what is safe anywhere.

        None ends as reasons do, so that a file and the reason of another never meet.
        """
        safe = _UNSAFE.sub("_", name).lstrip(".")[-_LONGEST_NAME:] or "_"
        if safe.endswith(REASON_SUFFIX):
            safe += "_"
        candidates = (self._failed / (safe if number == 1 else f"{safe}.{number}") for number in count(1))
        return next(place for place in candidates if not os.path.lexists(place))

    @contextmanager
    def _usable(self, what: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise FolderUnusable(f"cannot {what} {self.directory}: {error.strerror}") from error


def _entry(name: str, seen: os.stat_result) -> Entry:
    return Entry(name, seen.st_mode, seen.st_ino, seen.st_size, seen.st_nlink, seen.st_mtime_ns, seen.st_ctime_ns)


def _belongs_to_others(name: str) -> bool:
    return name.startswith(".") or name.endswith(_OTHERS) or name == FAILED


def _check_kind(entry: Entry) -> None:
    for is_kind, words in _KINDS:
        if is_kind(entry.mode):
            raise FileRefused(f"it is {words}, not a file")
    if not stat.S_ISREG(entry.mode):
        raise FileRefused("it is not a plain file")
    if entry.size > MAX_PAYLOAD_BYTES:
        raise FileRefused(f"it is larger than {MAX_PAYLOAD_BYTES} bytes")
    if entry.links > 1:
        raise FileUnfinished("it has a second name (a hard link)")
    if not entry.name.endswith(".json"):
        raise FileRefused("the name of a trigger file ends in .json")
