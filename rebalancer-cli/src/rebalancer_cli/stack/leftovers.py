"""What a killed run left running: every process is on record in the data folder, and the next start ends it.

A record is a file named by the process's id that holds when the process was created, so that an id which the system
has given to somebody else since is never touched.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

_RECORDS: Final = "processes"
_SAME_MOMENT_SECONDS: Final = 0.5
_STOP_SECONDS: Final = 40
_LOOK_SECONDS: Final = 0.05


def remember(data: Path, pid: int | None) -> None:
    """Put a process on record; one that has ended already needs none."""
    if pid is None:
        return
    with suppress(psutil.NoSuchProcess):
        created = psutil.Process(pid).create_time()
        (data / _RECORDS).mkdir(exist_ok=True)
        (data / _RECORDS / str(pid)).write_text(repr(created), "utf-8")


def forget(data: Path, pid: int | None) -> None:
    """Take an ended process off the record."""
    (data / _RECORDS / str(pid)).unlink(missing_ok=True)


def end_leftovers(data: Path) -> list[str]:
    """End what is on record and still runs, the youngest first; the names of those programs.

    Call it only while holding the folder's lock, for then nobody else needs these processes.
    """
    found = sorted(_still_running(data), key=lambda process: process.create_time(), reverse=True)
    names = [_end(process) for process in found]
    for record in (data / _RECORDS).glob("*"):
        record.unlink(missing_ok=True)
    return names


def _still_running(data: Path) -> Iterator[psutil.Process]:
    for record in (data / _RECORDS).glob("*"):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, ValueError):
            process = psutil.Process(int(record.name))
            if abs(process.create_time() - float(record.read_text("utf-8"))) < _SAME_MOMENT_SECONDS:
                yield process


def _end(process: psutil.Process) -> str:
    name = str(process.pid)
    with suppress(psutil.NoSuchProcess):
        name = f"{process.name()} ({process.pid})"
        process.terminate()
        if not _gone(process, _STOP_SECONDS):
            process.kill()
            _gone(process, _STOP_SECONDS)
    return name


def _gone(process: psutil.Process, seconds: float) -> bool:
    """Wait for the end of a process; one whose parent has not asked how it ended counts as gone."""
    for _ in range(int(seconds / _LOOK_SECONDS)):
        try:
            process.wait(_LOOK_SECONDS)
        except psutil.TimeoutExpired:
            if process.status() != psutil.STATUS_ZOMBIE:
                continue
        return True
    return False
