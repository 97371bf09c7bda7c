"""What runs beside the work for as long as the lease is held, and outlives its own errors."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import structlog

from event_processor.errors import WorkCancelledWithin
from event_processor.own_cancellation import only_cancelled_when_asked
from event_processor.worker_status import WorkerStatus
from event_queue.errors import LeaseLost
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 10.0

Companion = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Companions:
    """Keeps each going: one that fails, on whatever it was told, must not end the work on healthy accounts."""

    clock: Clock
    status: WorkerStatus

    async def keep(self, name: str, companion: Companion) -> None:
        """Run it, and after an error again when a pause is over; log and health tell of it meanwhile.

        Raises:
            LeaseLost: the lease has passed on.
            WorkCancelledWithin: it was cancelled by nobody.
        """
        while True:
            try:
                with only_cancelled_when_asked(f"companion {name} of the worker"):
                    return await companion()
            except (LeaseLost, WorkCancelledWithin):
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the work goes on beside it
                _log.exception("companion_failed", companion=name, next_try_seconds=AGAIN_SECONDS)
                self.status.hindered(name, f"{name} failed, and is tried again: {type(error).__name__}: {error}")
            await self.clock.pause(AGAIN_SECONDS)
            self.status.hindered(name, None)
