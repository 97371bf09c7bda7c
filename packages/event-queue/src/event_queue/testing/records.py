"""Audit records for tests of what stands behind the outbox."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from event_queue.audit import AuditKind, AuditRecord
from event_queue.codec import encode_event, to_ms
from event_queue.events import RebalanceEvent
from event_queue.testing.events import make_event

START: Final = datetime(2025, 6, 24, 15, tzinfo=UTC)


@dataclass(slots=True)
class RecordMaker:
    """Makes records as one Redis would, without gaps and one second apart; details are written as they are."""

    start: datetime = START
    made: list[AuditRecord] = field(default_factory=list[AuditRecord])

    def record(self, kind: AuditKind, event: RebalanceEvent, details: Mapping[str, Any] | None = None) -> AuditRecord:
        """The next record; `event` is the event after the transition."""
        counter = len(self.made) + 1
        moment = self.start + timedelta(seconds=counter)
        record = AuditRecord(
            counter=counter,
            stream_id=f"{to_ms(moment)}-0",
            kind=kind,
            event_id=event.event_id,
            account_id=event.account_id,
            recorded_at=moment,
            event_json=encode_event(event),
            details_json=json.dumps(details or {}, ensure_ascii=False, separators=(",", ":"), default=str),
        )
        self.made.append(record)
        return record

    def switched(self, kind: AuditKind, scope: str, **details: str) -> AuditRecord:
        """The next record, of trading paused or resumed: as `record`, without an event."""
        of_event = self.record(kind, make_event(scope), {"scope": scope, **details})
        record = of_event._replace(event_id=None, event_json="null")
        self.made[-1] = record
        return record
