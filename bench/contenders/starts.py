"""When jobs started: one moment after another in a file, the same few nanoseconds of work for every contender.

Moments are of the machine's monotonic clock, which all its processes share.
"""

import os
from pathlib import Path
from struct import Struct
from time import monotonic
from typing import Final

FILE_VARIABLE: Final = "BENCH_STARTS"
"""Environment variable that names the file."""
_MOMENT: Final = Struct("d")


class Starts:
    """The jobs' side: opened once a process, before it forks."""

    def __init__(self, file: str) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(self) -> None:
        """A job starts now."""
        os.write(self._descriptor, _MOMENT.pack(monotonic()))


def open_starts() -> Starts:
    """The file that the environment names."""
    return Starts(os.environ[FILE_VARIABLE])


def count_starts(file: Path) -> int:
    """How many jobs have started."""
    return file.stat().st_size // _MOMENT.size if file.exists() else 0


def read_starts(file: Path) -> list[float]:
    """All moments, in the order of the starts."""
    if not file.exists():
        return []
    whole = file.read_bytes()
    return [moment for (moment,) in _MOMENT.iter_unpack(whole[: len(whole) // _MOMENT.size * _MOMENT.size])]
