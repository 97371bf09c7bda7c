"""Who holds a lease: an identity that is unique to one start of one process, and can be proven dead."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_START_DIGITS: Final = 2
"""Decimals of a process's start time (seconds since 1970) in an identity; the kernel counts in hundredths."""
_SAME_START_SECONDS: Final = 600.0
"""Start times are read against the wall clock, which may be stepped while a process runs. A wide tolerance can only
make a takeover wait for the lease to expire; a narrow one could declare a living holder dead."""
_CONTAINER_ID: Final = re.compile(r"[0-9a-f]{12}")
"""The hostname that Docker gives a container of which nobody says another: no two have the same."""
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE: Final = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """A process as a holder of the lease, written `hostname:space:pid:process-start`."""

    host: str
    space: str
    """The start of the kernel and the process namespace, within which a pid names one process; empty if unknown.

    A hostname alone does not say where a pid means something: two machines, or two containers, may bear the same.
    """
    pid: int
    started_at: float
    """Seconds since 1970, as the operating system tells it."""

    @classmethod
    def this_process(cls) -> "LeaseHolder":
        """The running process."""
        process = psutil.Process()
        return cls(socket.gethostname(), _this_space(), process.pid, process.create_time())

    @property
    def identity(self) -> str:
        """`hostname:space:pid:process-start`."""
        return f"{self.host}:{self.space}:{self.pid}:{self.started_at:.{_START_DIGITS}f}"

    def is_provably_dead(self, token: str) -> bool:
        """True when the lease `token` (`identity:fence`) belongs to a process that certainly runs no longer.

        That is one of our own space which is gone, or an earlier start of our own container. Any other process, or a
        token of another make, is never presumed dead: its lease must expire.
        """
        holder = _parse(token)
        if holder is None or holder.host != self.host:
            return False
        if holder.space != self.space:
            return _CONTAINER_ID.fullmatch(self.host) is not None
        if not self.space:
            return False
        return holder.identity != self.identity if holder.pid == self.pid else not _is_running(holder)


def _this_space() -> str:
    try:
        boot = _BOOT_ID.read_text("ascii").strip()
        namespace = _PROCESS_NAMESPACE.readlink().name
    except OSError:  # not Linux, or hidden
        return ""
    return f"{boot}/{re.sub('[^0-9]', '', namespace)}"


def _parse(token: str) -> LeaseHolder | None:
    parts = token.rsplit(":", maxsplit=4)
    try:
        host, space, pid, started_at, _fence = parts
        return LeaseHolder(host, space, int(pid), float(started_at))
    except ValueError:
        return None


def _is_running(holder: LeaseHolder) -> bool:
    """Whether that very process runs: the same pid with another start time is another process."""
    try:
        process = psutil.Process(holder.pid)
        same = abs(process.create_time() - holder.started_at) <= _SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
