"""The folder that holds one running system: its data, its logs, and the lock that keeps a second one out."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rebalancer_cli.errors import StackFailed


@contextmanager
def locked(data: Path) -> Generator[None]:
    """Make the folder and hold it for this process alone; the lock goes with the process, however it ends.

    Raises:
        StackFailed: another process holds it.
    """
    (data / "logs").mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackFailed(f"another `rebalancer` already runs on {data}: stop it first") from error
        yield
