"""Who holds a lease: an identity that is unique to one start of one process, and can be proven dead."""

import socket
from dataclasses import dataclass
from typing import Final

import psutil

_START_DIGITS: Final = 2
"""Decimals of a process's start time (seconds since 1970) in an identity; the kernel counts in hundredths."""
_SAME_START_SECONDS: Final = 600.0
"""Start times are read against the wall clock, which may be stepped while a process runs. A wide tolerance can only
make a takeover wait for the lease to expire; a narrow one could declare a living holder dead."""


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """A process as a holder of the lease, written `hostname:pid:process-start`."""

    host: str
    pid: int
    started_at: float
    """Seconds since 1970, as the operating system tells it."""

    @classmethod
    def this_process(cls) -> "LeaseHolder":
        """The running process."""
        process = psutil.Process()
        return cls(socket.gethostname(), process.pid, process.create_time())

    @property
    def identity(self) -> str:
        """`hostname:pid:process-start`."""
        return f"{self.host}:{self.pid}:{self.started_at:.{_START_DIGITS}f}"

    def is_provably_dead(self, token: str) -> bool:
        """True when the lease `token` (`identity:fence`) belongs to a process of this host that no longer runs.

        A process of another host, or a token of another make, is never presumed dead: its lease must expire.
        """
        holder = _parse(token)
        if holder is None or holder.host != self.host:
            return False
        if holder.pid == self.pid:  # a container's first process has the same pid after every restart
            return holder.identity != self.identity
        return not _is_running(holder)


def _parse(token: str) -> LeaseHolder | None:
    parts = token.rsplit(":", maxsplit=3)
    try:
        host, pid, started_at, _fence = parts
        return LeaseHolder(host, int(pid), float(started_at))
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
