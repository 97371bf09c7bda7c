"""The outbox relay with its report `relay`: it outlives every outage, and says what it means for trading.

Facts: stored (records since the start), lag_records, lag_seconds, last_error, failing_since (RFC 3339 or null).
"""

from typing import Final

import structlog

from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import CorruptQueue, HistoryDiverged
from event_queue.relay import OutboxRelay, RelayState
from service_runtime.clock import Clock

COMPONENT: Final = "relay"
HALT_SECONDS: Final = 30.0
"""Pause before a relay that needs an operator looks whether one has come."""

_log = structlog.get_logger(__name__)


class RelayKeeper:
    """Keeps the relay going."""

    def __init__(self, relay: OutboxRelay, clock: Clock) -> None:
        """Take the relay, not yet running."""
        self._relay = relay
        self._clock = clock
        self._halt: tuple[str, RelayState] | None = None

    async def run(self) -> None:
        """Carry records until cancelled."""
        while True:
            try:
                await self._relay.run()
            except (HistoryDiverged, CorruptQueue) as error:
                _log.error("relay_halted", reason=str(error), retry_seconds=HALT_SECONDS)
                self._halt = (str(error), self._relay.state)
            await self._clock.pause(HALT_SECONDS)

    def report(self) -> ComponentReport:
        """How the relay is doing."""
        relay = self._relay.state
        state, detail, error = self._verdict(relay)
        return ComponentReport(
            name=COMPONENT,
            state=state,
            detail=detail,
            facts={
                "stored": relay.stored,
                "lag_records": relay.lag_records,
                "lag_seconds": relay.lag_seconds,
                "last_error": error,
                "failing_since": relay.failing_since.isoformat() if relay.failing_since else None,
            },
            reported_at=self._clock.now(),
        )

    def _verdict(self, relay: RelayState) -> tuple[ComponentState, str, str | None]:
        """State, words, and the error behind them. The relay makes a new state with each batch that goes well."""
        if self._halt is not None and self._halt[1] is relay:
            error = self._halt[0]
            return ComponentState.DOWN, f"The audit has stopped until an operator looks at it: {error}", error
        waiting = "an unknown number of" if relay.lag_records is None else relay.lag_records
        if relay.last_error is not None:
            words = (
                f"No audit record can be carried ({relay.last_error}); {waiting} wait in Redis and are kept. "
                "Check that PostgreSQL runs and has the tables of init.sql."
            )
            return ComponentState.DEGRADED, words, relay.last_error
        if relay.lag_records is None:
            return ComponentState.OK, "Starting.", None
        return ComponentState.OK, f"{relay.lag_records} audit records wait for PostgreSQL.", None
