"""Messages that the SDK cannot decode are kept instead of lost, and those that it would change arrive as they are.

The SDK drops a whole frame when the data of one of its messages does not fit its `encoding` (broken base64, JSON or
UTF-8), and nobody hears of it; the history fails on such a message for as long as it is kept. Here it gets an encoding
that the SDK leaves alone, so that it arrives as what it is: a signal that cannot be read, which never trades.

Of a JSON object that repeats a key the SDK keeps the last, and it takes a number too small for a float for zero. So an
object stays the text that it came as, which `payload` reads with the same care as that of a file.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

from ably.types.message import Message

UNDECODABLE: Final = "undecodable"
_LONGEST: Final = 100
_KEPT: Final = ("id", "name", "clientId", "connectionId", "timestamp", "serial")
_message: Any = Message


def decoded(raw: object) -> Any:
    """The SDK's message for one of the history.

    Raises:
        TypeError: it is no JSON object.
    """
    return _message.from_encoded(_decodable(raw))


def tolerate_undecodable(channel: Any) -> None:
    """Let a realtime channel see only what it can decode. Once for each channel, before it is attached."""
    hand_on: Any = channel._on_message  # noqa: SLF001 - the SDK has no other place before its decoding

    def on_message(frame: dict[str, Any]) -> None:
        messages = frame.get("messages")
        if isinstance(messages, list):
            frame["messages"] = [_decodable(item) for item in cast("list[object]", messages)]
        hand_on(frame)

    channel._on_message = on_message  # noqa: SLF001 - see above


def _decodable(raw: object) -> Mapping[str, Any]:
    """The message, an object in it left as text; or without its data when that cannot be decoded."""
    if not isinstance(raw, dict):
        raise TypeError(f"a message is a JSON object, not {type(raw).__name__}")
    message = cast("dict[str, Any]", raw)
    try:
        data = _message.from_encoded(message).data
    except Exception:  # noqa: BLE001 - every step of a decoding fails in its own way
        kept = {key: message[key] for key in _KEPT if isinstance(message.get(key), str | int)}
        encoding = str(message.get("encoding"))[:_LONGEST].replace("/", ",")
        return kept | {"encoding": f"{UNDECODABLE} {encoding}", "data": None}
    innermost, _, others = str(message.get("encoding") or "").strip("/").partition("/")
    return message | {"encoding": others} if innermost == "json" and isinstance(data, dict) else message
