"""How events and audit records are written in Redis and read back."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from pydantic import ValidationError

from event_queue.errors import CorruptQueue
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import Pause

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def encode_event(event: RebalanceEvent) -> str:
    """The event as one line of JSON, opaque to every script; the same event always gives the same text."""
    return event.model_dump_json()


def decode_event(body: str) -> RebalanceEvent:
    """Read an event back.

    Raises:
        CorruptQueue: the text is not an event of ours.
    """
    try:
        return RebalanceEvent.model_validate_json(body)
    except ValidationError as error:
        raise CorruptQueue(f"Redis holds an unreadable event: {body[:200]!r}") from error


def encode_details(details: Mapping[str, Any]) -> str:
    """What an audit record adds, as JSON text that PostgreSQL takes.

    Anything but JSON values is written as its text: a Decimal keeps its digits, a date its ISO form. What neither JSON
    nor PostgreSQL has a word for, and may come with somebody's error message, is replaced: a number that is none by
    its name, a NUL or half of a surrogate pair by U+FFFD. Work in hand must be able to end whatever was said about it.
    """
    try:
        text = _as_json(details)
        text.encode()
    except ValueError:
        return _as_json(_storable(details))
    return _as_json(_storable(details)) if "\\u0000" in text else text


def storable(text: str) -> str:
    """The text as PostgreSQL takes it, the same when it takes it already."""
    return _UNSTORABLE.sub("\ufffd", text)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


_as_json: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_text).encode


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            return {_storable(str(name)): _storable(child) for name, child in cast("Mapping[Any, Any]", value).items()}
        case list() | tuple():
            return [_storable(child) for child in cast("Sequence[Any]", value)]
        case None | bool() | int() | float():
            return value
        case _:
            return _storable(_as_text(value))


def to_ms(moment: datetime) -> int:
    """An aware moment as whole milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_ms(milliseconds: float) -> datetime:
    """Milliseconds since 1970 as an aware moment in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def encode_message(message: InboundMessage) -> str:
    """What an audit record tells of a message, as the members of a JSON object, to which the script adds its own."""
    details = {"channel": message.channel, "message_id": message.message_id}
    return encode_details({**details, "sent_at": message.sent_at} if message.sent_at else details)[1:-1]


def encode_pause(scope: str, *, actor: str, reason: str) -> str:
    """A pause as JSON up to its moment, which the script adds."""
    return encode_details({"scope": scope, "actor": actor, "reason": reason})[:-1] + ","


def decode_pause(text: str) -> Pause:
    """Read a pause back.

    Raises:
        CorruptQueue: the text is not a pause of ours.
    """
    try:
        raw = json.loads(text)
        return Pause(scope=raw["scope"], actor=raw["actor"], reason=raw["reason"], since=from_ms(raw["since"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptQueue(f"Redis holds an unreadable pause of trading: {text[:200]!r}") from error
