"""The outbox relay with its report `relay`: it outlives every outage, and says what it means for trading.

Facts: stored (records since the start), lag_records, lag_seconds, quarantined_records (since the start),
spilled_records (those of the lag that lie on disk), outbox_bytes, budget_bytes, budget_percent, spill_error,
last_error, failing_since (RFC 3339 or null).
Log events: relay_halted, record_quarantined.
"""

from typing import Any, Final

import structlog

from event_broker.outbox_watch import OutboxWatch
from event_queue.audit import SetApart
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import CorruptQueue, HistoryDiverged
from event_queue.outbox_size import Pressure
from event_queue.relay import OutboxRelay
from event_queue.relay_state import RelayState
from service_runtime.clock import Clock

COMPONENT: Final = "relay"
HALT_SECONDS: Final = 30.0
"""Pause before a relay that needs an operator looks whether one has come."""

_log = structlog.get_logger(__name__)


def log_set_apart(record: SetApart) -> None:
    """Tell of a record that PostgreSQL refused, which history does not show."""
    event_id = str(record.event_id) if record.event_id else None
    _log.error(
        "record_quarantined", counter=record.counter, event_id=event_id, reason=record.reason, table="audit_quarantine"
    )


class RelayKeeper:
    """Keeps the relay going."""

    def __init__(self, relay: OutboxRelay, watch: OutboxWatch, clock: Clock) -> None:
        """Take the relay, not yet running, and who looks after the outbox's size."""
        self._relay = relay
        self._watch = watch
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
        halted = self._halted(relay)
        state, detail = (ComponentState.DOWN, _halt_words(halted)) if halted else self._verdict(relay)
        return ComponentReport(
            name=COMPONENT,
            state=state,
            detail=detail,
            facts={
                "stored": relay.stored,
                "lag_records": None
                if relay.lag_records is None
                else max(relay.lag_records, self._relay.spilled_records),
                "lag_seconds": relay.lag_seconds,
                "quarantined_records": self._relay.set_apart,
                **self._outbox_facts(),
                "last_error": halted or relay.last_error,
                "failing_since": relay.failing_since.isoformat() if relay.failing_since else None,
            },
            reported_at=self._clock.now(),
        )

    def _outbox_facts(self) -> dict[str, Any]:
        outbox = self._watch.state
        return {
            "spilled_records": self._relay.spilled_records,
            "outbox_bytes": outbox.size.bytes if outbox.size else None,
            "budget_bytes": outbox.budget_bytes or None,
            "budget_percent": round(outbox.percent, 1) if outbox.size else None,
            "spill_error": outbox.error,
        }

    def _halted(self, relay: RelayState) -> str | None:
        """What only an operator can put right. The relay makes a new state with each batch that goes well."""
        if self._halt is not None and self._halt[1] is relay:
            return self._halt[0]
        return self._watch.contradiction

    def _verdict(self, relay: RelayState) -> tuple[ComponentState, str]:
        waiting = "an unknown number of" if relay.lag_records is None else relay.lag_records
        if relay.last_error is not None:
            words = f"No audit record can be carried ({relay.last_error}); {waiting} wait in Redis and are kept."
            hint = " Check that PostgreSQL runs and has the tables of init.sql." if relay.postgres_is_away else ""
            return ComponentState.DEGRADED, f"{words}{hint}{self._outbox_words()}"
        wait = "Starting." if relay.lag_records is None else f"{waiting} audit records wait for PostgreSQL."
        strained = (
            self._watch.state.pressure >= Pressure.NOTICE or self._watch.state.error or self._relay.spilled_records
        )
        return (ComponentState.DEGRADED if strained else ComponentState.OK), f"{wait}{self._outbox_words()}"

    def _outbox_words(self) -> str:
        outbox = self._watch.state
        words = ""
        if self._relay.spilled_records:
            words += f" {self._relay.spilled_records} of them are on disk, and go first."
        if outbox.pressure >= Pressure.NOTICE:
            words += f" The outbox takes {outbox.percent:.0f} % of its budget."
        if outbox.error is not None:
            words += f" Records cannot be moved to disk and stay in Redis: {outbox.error}."
        if self._relay.set_apart:
            words += f" {self._relay.set_apart} records that PostgreSQL refused are in audit_quarantine."
        return words


def _halt_words(error: str) -> str:
    return f"The audit has stopped until an operator looks at it: {error}"
