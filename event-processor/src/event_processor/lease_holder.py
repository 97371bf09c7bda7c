"""Who holds a lease: an identity that is unique to one start of one process, and can be proven dead."""

import os
import re
import socket
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import psutil

_START_DIGITS: Final = 2
"""Decimals of a process's start in an identity; the kernel counts in hundredths of a second."""
_SAME_START_SECONDS: Final = 10.0
"""A start is told as a difference of two times, one of them in whole seconds. A wide tolerance can only make a takeover
wait for the lease to expire; a narrow one could declare a living holder dead."""
_CONTAINER: Final = re.compile(r"[0-9a-f]{12}/[0-9a-f]{16}")
"""The hostname that Docker gives a container of which nobody says another, with the file system of its own. The name
alone is not enough: containers that share a network share its name too."""
_OWN_FILES: Final = re.compile(r"\S+ \S+ \S+ \S+ / .* - overlay .*\bupperdir=([^,\s]+)")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_PROCESS_NAMESPACE: Final = Path("/proc/self/ns/pid")


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """A process as a holder of the lease, written `hostname:space:pid:process-start`."""

    host: str
    """The hostname; in a container with `/` and a digest that names the file system it keeps over its restarts."""
    space: str
    """The start of the kernel and the process namespace, within which a pid names one process; empty if unknown.

    A hostname alone does not say where a pid means something: two machines, or two containers, may bear the same.
    """
    pid: int
    started_at: float
    """Seconds since the start of the kernel: a clock that is stepped while the process runs does not change it."""

    @classmethod
    def this_process(cls) -> "LeaseHolder":
        """The running process."""
        process = psutil.Process()
        return cls(_this_host(), _this_space(), process.pid, started_at(process))

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
            return _CONTAINER.fullmatch(self.host) is not None
        if not self.space:
            return False
        return holder.identity != self.identity if holder.pid == self.pid else not _is_running(holder)


def started_at(process: psutil.Process) -> float:
    """Seconds from the start of the kernel to that of the process."""
    return process.create_time() - psutil.boot_time()


def host_name(hostname: str, mounts: str) -> str:
    """The `host` of a holder; `mounts` are those of its process, as Linux lists them."""
    own = next((found[1] for line in mounts.splitlines() if (found := _OWN_FILES.match(line))), None)
    return hostname if own is None else f"{hostname}/{sha256(own.encode()).hexdigest()[:16]}"


def _this_host() -> str:
    try:
        mounts = _MOUNTS.read_text("utf-8", errors="replace")
    except OSError:  # not Linux, or hidden
        mounts = ""
    return host_name(socket.gethostname(), mounts)


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
        host, space, pid, start, _fence = parts
        return LeaseHolder(host, space, int(pid), float(start))
    except ValueError:
        return None


def _is_running(holder: LeaseHolder) -> bool:
    """Whether that very process runs: the same pid with another start time is another process."""
    try:
        os.kill(holder.pid, 0)  # sends nothing; it knows also those processes of others that /proc may hide
        process = psutil.Process(holder.pid)
        same = abs(started_at(process) - holder.started_at) <= _SAME_START_SECONDS
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False
    except (PermissionError, psutil.AccessDenied):
        return True
