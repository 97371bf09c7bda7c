"""One entry of the outbox as it stands in Redis or in a file, read without trusting any of it.

An entry is {"n": counter, "kind", "event", "details", "due": milliseconds or nothing, "at": the same, rarely}.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

from event_queue.audit import AuditKind, AuditRecord
from event_queue.codec import encode_details, from_ms
from event_queue.errors import CorruptQueue

_LONGEST_COUNTER: Final = 18
"""Digits; what PostgreSQL takes for one."""
_HELD_AT_ONCE: Final = 64
"""Events between whose steps others may step, and moments that several records share."""
_KINDS: Final[Mapping[str, AuditKind]] = {kind.value: kind for kind in AuditKind}
_HEAD: Final = re.compile(
    r'\{"event_id":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})","account_id":"([^"\\\x00-\x1f]*)",'
)
"""How the queue begins every event that it writes. Whether the rest is JSON is for PostgreSQL to say."""
_read_event: Final = json.JSONDecoder(parse_int=str).decode
"""Numbers are not looked at, so that none is too long."""


def decode_record(stream_id: str, fields: Mapping[str, str]) -> AuditRecord:
    """Read one entry. One that has its number, but else makes no sense, becomes a record of the kind UNREADABLE.

    History has no place for such a record: it goes to quarantine, and those behind it are stored.

    Raises:
        CorruptQueue: the entry has no number, so it was not written by the queue's scripts.
    """
    counter = counter_of(stream_id, fields)
    try:
        return _record(counter, stream_id, fields)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return _unreadable(counter, stream_id, fields)


def counter_of(stream_id: str, fields: Mapping[str, str]) -> int:
    """The number of an entry.

    Raises:
        CorruptQueue: it has none.
    """
    number = fields.get("n", "")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_COUNTER):
        raise CorruptQueue(
            f"outbox entry {stream_id} has no number, so somebody else wrote it: {str(fields)[:200]}; "
            "delete it (XDEL) when nobody needs it, and run `rebalancer resync` should trading be halted then"
        )
    return int(number)


def _record(counter: int, stream_id: str, fields: Mapping[str, str]) -> AuditRecord:
    event_id, account_id = _whose(fields["event"])
    return AuditRecord(
        counter=counter,
        stream_id=stream_id,
        kind=_KINDS[fields["kind"]],
        event_id=event_id,
        account_id=_text(json.loads(fields["details"])["scope"] if event_id is None else account_id),
        recorded_at=_moment(fields.get("at") or stream_id.partition("-")[0]),
        event_json=fields["event"],
        details_json=_with_due(fields["details"], fields["due"]),
    )


@lru_cache(maxsize=_HELD_AT_ONCE)
def _whose(body: str) -> tuple[UUID | None, object]:
    """Id and account of an event; nothing where the record is about none. Each step of an event has the same body."""
    if head := _HEAD.match(body):
        return UUID(head[1]), head[2]
    event = _read_event(body)
    return (UUID(event["event_id"]), event["account_id"]) if event else (None, "")


@lru_cache(maxsize=_HELD_AT_ONCE)
def _moment(milliseconds: str) -> datetime:
    return from_ms(int(milliseconds))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _unreadable(counter: int, stream_id: str, fields: Mapping[str, str]) -> AuditRecord:
    is_known = fields.get("kind") == AuditKind.UNREADABLE.value and "event" in fields
    return AuditRecord(
        counter=counter,
        stream_id=stream_id,
        kind=AuditKind.UNREADABLE,
        event_id=None,
        account_id="",
        recorded_at=from_ms(int(stream_id.partition("-")[0])),
        event_json=fields["event"] if is_known else json.dumps(dict(fields), ensure_ascii=False),
        details_json="{}",
    )


def _with_due(details: str, due: str) -> str:
    if not due:
        return details
    return encode_details({**json.loads(details), "next_attempt_at": from_ms(float(due))})
