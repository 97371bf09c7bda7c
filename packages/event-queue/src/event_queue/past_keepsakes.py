"""From an audit record back to what Redis kept for a while because of it."""

import json
from collections.abc import Mapping
from typing import Any, Final

from event_queue.audit import AuditKind
from event_queue.codec import decode_event
from event_queue.inbound_message import InboundMessage
from event_queue.receipts import (
    FILL_LIFE,
    RECEIPT_LIFE,
    Keepsake,
    Receipt,
    TradedEvent,
    receipt_of_event,
    receipt_of_fill,
    receipt_of_message,
)

_ANSWERS: Final[Mapping[str, str]] = {
    AuditKind.QUEUED: "queued",
    AuditKind.DUPLICATE: "duplicate",
    AuditKind.COALESCED: "remembered",
}


def keepsake_of(row: Any) -> Keepsake | None:
    """What the record left behind; None when that was nothing, as for a signal that had its receipt before."""
    kind, until = row["kind"], row["recorded_at"] + FILL_LIFE
    if kind == AuditKind.ORDER_INTENT:
        return TradedEvent(decode_event(row["event"]), until)
    if kind == AuditKind.FILL:
        return Receipt(*receipt_of_fill(row["event_id"], row["details"]), until)
    return _of_intake(row)


def _of_intake(row: Any) -> Receipt | None:
    details = json.loads(row["details"])
    if "follows" in details:
        return None
    event_id = str(row["event_id"])
    name = receipt_of_event(event_id)
    if "message_id" in details:
        name = receipt_of_message(row["account_id"], InboundMessage(details["channel"], details["message_id"]))
    words = f"{event_id} {_ANSWERS[row['kind']]} {details.get('active_event_id', '')}"
    return Receipt(name, words, row["recorded_at"] + RECEIPT_LIFE)
