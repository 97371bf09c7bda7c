"""A file touched for as long as the event loop runs, so that a container's probe can tell a stuck process."""

from pathlib import Path

import structlog

from service_runtime.clock import Clock

INTERVAL_SECONDS = 5.0

_log = structlog.get_logger(__name__)


async def beat(path: Path, clock: Clock) -> None:
    """Touch the file every five seconds for ever; a file that cannot be touched leaves the verdict to the probe."""
    complained = False
    while True:
        try:
            path.touch()  # noqa: ASYNC240 - on a tmpfs, and a loop that hangs here shall look hung
        except OSError as error:
            if not complained:
                _log.warning("heartbeat_not_written", path=str(path), error=error.strerror)
            complained = True
        await clock.pause(INTERVAL_SECONDS)
