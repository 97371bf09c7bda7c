"""Receipts: what Redis keeps for a while so that a message, an event or an execution told again changes nothing.

Their names and words follow from what the audit records tell, so that history can give them back.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from event_queue.audit import AuditKind
from event_queue.codec import storable
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage

RECEIPT_LIFE: Final = timedelta(hours=72)
"""How long a message is recognised: as long as Ably can keep and send it again."""
FILL_LIFE: Final = timedelta(days=8)
"""Longer than the seven days for which a gateway may tell executions again."""
LONGEST_LIFE: Final = max(RECEIPT_LIFE, FILL_LIFE)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt."""

    name: str
    words: str
    until: datetime

    @property
    def kind(self) -> str:
        """What its name begins with: `message`, `event`, `fill` or `record`."""
        return self.name.partition(":")[0]


@dataclass(frozen=True, slots=True)
class TradedEvent:
    """An event that sent orders, kept for the fills that come after its end."""

    event: RebalanceEvent
    until: datetime


Keepsake = Receipt | TradedEvent


def receipt_of_event(event_id: str) -> str:
    """Name of the receipt of an event that comes from no message."""
    return f"event:{event_id}"


def receipt_of_message(account_id: str, message: InboundMessage) -> str:
    """Name of the receipt of a message for one account."""
    return f"message:{account_id}:{storable(message.identity)}"


def receipt_of_record(event_id: UUID, times_queued: int, kind: AuditKind, details: str) -> str:
    """Name of the receipt of a record of one attempt."""
    return "record:" + _digest(f"{event_id} {times_queued} {kind} {details}")


def receipt_of_fill(event_id: UUID, details: str) -> tuple[str, str]:
    """Name of the receipt of an execution, and its words: as what it was told last, in whatever order of details.

    The commission stands at the end, where one was reported: without it, the words begin those of the same execution
    told with any.
    """
    told = json.loads(details)
    commission, currency = (told.pop(name, None) for name in ("commission", "commission_currency"))
    facts = _digest(json.dumps(told, sort_keys=True, separators=(",", ":")))
    paid = "" if commission is None else f" {commission} {currency}"
    return "fill:" + _digest(f"{event_id} {told.get('exec_id')}"), facts + paid


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
