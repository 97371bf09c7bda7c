"""The log file of one process: bounded, and with its last lines at hand."""

from collections import deque
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 20 * 1024 * 1024
_LAST_LINES: Final = 15
_LONGEST_LINE: Final = 64 * 1024


class ProcessLog:
    """Takes output as it comes and gives complete lines; beyond its size the file makes room as `NAME.log.1`."""

    def __init__(self, path: Path, *, most_bytes: int = _MOST_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        self._file = path.open("ab", buffering=0)
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._unfinished = b""

    @property
    def last_lines(self) -> list[str]:
        """The latest lines, oldest first."""
        return list(self._last)

    def write(self, chunk: bytes) -> list[str]:
        """Store output; the lines that it completes."""
        if self._file.tell() + len(chunk) > self._most_bytes:
            self._make_room()
        self._file.write(chunk)
        *complete, rest = (self._unfinished + chunk).split(b"\n")
        self._unfinished = rest[-_LONGEST_LINE:]
        lines = [line.decode("utf-8", "replace").rstrip("\r") for line in complete]
        self._last.extend(lines)
        return lines

    def close(self) -> None:
        """Nothing more comes; an unfinished line counts as a last one."""
        if self._unfinished:
            self._last.append(self._unfinished.decode("utf-8", "replace"))
            self._unfinished = b""
        self._file.close()

    def _make_room(self) -> None:
        self._file.close()
        self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._file = self.path.open("ab", buffering=0)
