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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt."""

    name: str
    words: str
    until: datetime

    @property
    def kind(self) -> str:
        """What its name begins with: `message`, `event` or `record`."""
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
    return _digest(f"{event_id} {times_queued} {kind} {details}")


def receipt_of_fill(event_id: UUID, details: str) -> str:
    """Name of the receipt of an execution, the same in whatever order its details are told."""
    told = json.dumps(json.loads(details), sort_keys=True, separators=(",", ":"))
    return _digest(f"{event_id} {AuditKind.FILL} {told}")


def _digest(identity: str) -> str:
    return f"record:{hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()}"
