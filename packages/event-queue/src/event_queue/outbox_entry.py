"""One entry of the outbox as it stands in Redis or in a file, read without trusting any of it.

An entry is {"n": counter, "kind", "event", "details", "due": milliseconds or nothing, "at": the same, rarely}.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from asyncpg.pgproto import pgproto

from event_queue.audit import AuditKind, AuditRecord
from event_queue.codec import encode_details, from_ms
from event_queue.errors import CorruptQueue

_AS_WRITTEN: Final = ["n", "kind", "event", "details", "due"]
"""Names of an entry's parts, in the order in which nearly all are written."""
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
_driver: Any = pgproto
_quick_uuid: Final[type[UUID]] = _driver.UUID
"""A UUID as the driver of PostgreSQL makes and sends them, in an eighth of the time."""
_SENSELESS: Final = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


def decode_entry(stream_id: str, words: Sequence[str]) -> AuditRecord:
    """Read one entry as Redis sends it, names and values in turn: as `decode_record`, and in half the time."""
    if words[::2] != _AS_WRITTEN or not _is_number(words[1]):
        return decode_record(stream_id, _fields(words))
    try:
        return _record(int(words[1]), stream_id, stream_id.partition("-")[0], words[3::2])
    except _SENSELESS:
        return _unreadable(int(words[1]), stream_id, _fields(words))


def decode_record(stream_id: str, fields: Mapping[str, str]) -> AuditRecord:
    """Read one entry. One that has its number, but else makes no sense, becomes a record of the kind UNREADABLE.

    History has no place for such a record: it goes to quarantine, and those behind it are stored.

    Raises:
        CorruptQueue: the entry has no number, so it was not written by the queue's scripts.
    """
    counter = counter_of(stream_id, fields)
    try:
        parts = [fields[name] for name in _AS_WRITTEN[1:]]
        return _record(counter, stream_id, fields.get("at") or stream_id.partition("-")[0], parts)
    except _SENSELESS:
        return _unreadable(counter, stream_id, fields)


def counter_of(stream_id: str, fields: Mapping[str, str]) -> int:
    """The number of an entry.

    Raises:
        CorruptQueue: it has none.
    """
    number = fields.get("n", "")
    if not _is_number(number):
        raise CorruptQueue(
            f"outbox entry {stream_id} has no number, so somebody else wrote it: {str(fields)[:200]}; "
            "delete it (XDEL) when nobody needs it, and run `rebalancer resync` should trading be halted then"
        )
    return int(number)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_COUNTER


def _fields(words: Sequence[str]) -> Mapping[str, str]:
    return dict(zip(words[::2], words[1::2], strict=True))


def _record(counter: int, stream_id: str, milliseconds: str, parts: Sequence[str]) -> AuditRecord:
    kind, event, details, due = parts
    event_id, account_id = _whose(event)
    return AuditRecord(
        counter,
        stream_id,
        _KINDS[kind],
        event_id,
        _text(json.loads(details)["scope"] if event_id is None else account_id),
        _moment(milliseconds),
        event,
        _with_due(details, due) if due else details,
    )


@lru_cache(maxsize=_HELD_AT_ONCE)
def _whose(body: str) -> tuple[UUID | None, object]:
    """Id and account of an event; nothing where the record is about none. Each step of an event has the same body."""
    if head := _HEAD.match(body):
        return _quick_uuid(head[1]), head[2]
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
    return encode_details({**json.loads(details), "next_attempt_at": from_ms(float(due))})
