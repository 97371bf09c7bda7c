"""Where the next page of a listing begins, as a text that clients give back unread."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import UUID

from event_queue.audit import EventFilter, PagePosition

CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]{40}$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACE: Final = struct.Struct(">q16s")
"""Microseconds since 1970 and the event's id."""
_SEAL_BYTES: Final = 6


def write_cursor(position: PagePosition, matching: EventFilter) -> str:
    """The place behind the last event of a page, sealed together with the filters that the page was made by."""
    place = _PLACE.pack((position.created_at - _EPOCH) // _MICROSECOND, position.event_id.bytes)
    return urlsafe_b64encode(place + _seal(place, matching)).decode("ascii")


def read_cursor(text: str, matching: EventFilter) -> PagePosition | None:
    """The place that a text of CURSOR_PATTERN names; None when it was not written for these filters."""
    raw = urlsafe_b64decode(text)
    place, seal = raw[: _PLACE.size], raw[_PLACE.size :]
    if seal != _seal(place, matching):
        return None
    microseconds, event_id = _PLACE.unpack(place)
    try:
        created_at = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
    return PagePosition(created_at, UUID(bytes=event_id))


def _seal(place: bytes, matching: EventFilter) -> bytes:
    """No secret: it only tells a mistake from a cursor."""
    return blake2b(place + repr(matching).encode(), digest_size=_SEAL_BYTES).digest()
