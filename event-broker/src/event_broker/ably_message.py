"""From a message of the SDK, live or from the history, to a trigger."""

from datetime import UTC, datetime
from typing import Any, Final

from event_broker.trigger import Trigger

_LONGEST_ID: Final = 200


def trigger_of(message: Any, channel: str, received_at: datetime) -> Trigger:
    """The trigger in a message; total for whatever the SDK hands out."""
    return Trigger(channel, _identity(message.id), _payload(message), received_at, _moment(message.timestamp))


def _identity(told: object) -> str | None:
    """The message's id; Ably's are text, and what stands for one elsewhere is recognised by its text."""
    return told if told is None or isinstance(told, str) else repr(told)[:_LONGEST_ID]


def _payload(message: Any) -> object:
    """The message's data; when the SDK could not decode it whole, what is left to decode, which never trades."""
    return {"undecoded": str(message.encoding)} if message.encoding else message.data


def _moment(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
