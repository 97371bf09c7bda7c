"""Messages as the service keeps them, and the way they look in each wire format."""

import base64
import binascii
import json
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.ably.codec import Wire, WireFormat
from sandbox.ably.errors import InvalidMessageError, MessageTooLargeError

MAX_PUBLISH_BYTES = 65_536

Data = str | bytes | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as published, before the channel has given it a place.

    `data` is text, bytes or nothing; `encoding` says how a subscriber has to read it (`json`, `utf-8`, ... or None).
    """

    data: Data
    name: str | None = None
    id: str | None = None
    encoding: str | None = None
    client_id: str | None = None
    extras: Wire | None = None

    @classmethod
    def of(cls, data: Any, *, name: str | None = None, id: str | None = None, encoding: str | None = None) -> "Draft":  # noqa: A002  # the wire's own word
        """Build one from a Python value: objects and lists become JSON with encoding `json`."""
        if isinstance(data, bytearray):
            data = bytes(data)
        if isinstance(data, dict | list) and encoding is None:
            data, encoding = json.dumps(data), "json"
        if data is not None and not isinstance(data, str | bytes):
            raise InvalidMessageError("message data has to be text, binary, null, an object or a list")
        return cls(data=data, name=name, id=id, encoding=encoding)

    @classmethod
    def from_wire(cls, wire: Wire) -> "Draft":
        """Read what a client sent; base64 is taken off, as binary is kept as bytes."""
        draft = cls.of(wire.get("data"), name=wire.get("name"), id=wire.get("id"), encoding=wire.get("encoding"))
        draft = replace(draft, client_id=wire.get("clientId"), extras=wire.get("extras"))
        return _without_base64(draft)

    @property
    def size(self) -> int:
        """Bytes that count against the limit of one publish."""
        data = self.data.encode() if isinstance(self.data, str) else self.data
        return len(data or b"") + len((self.name or "").encode())


def _without_base64(draft: Draft) -> Draft:
    *inner, outer = (draft.encoding or "").split("/")
    if outer != "base64" or not isinstance(draft.data, str):
        return draft
    try:
        data = base64.b64decode(draft.data, validate=True)
    except binascii.Error as error:
        raise InvalidMessageError("message data is not valid base64") from error
    return replace(draft, data=data, encoding="/".join(inner) or None)


def check_size(drafts: list[Draft]) -> None:
    """Raise MessageTooLargeError when one publish carries more than Ably takes."""
    size = sum(draft.size for draft in drafts)
    if size > MAX_PUBLISH_BYTES:
        raise MessageTooLargeError(f"the publish carries {size} bytes, the limit is {MAX_PUBLISH_BYTES}")


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its place: `number` counts the channel's messages from 1, `id` is unique in the channel."""

    draft: Draft
    number: int
    id: str
    connection_id: str | None
    timestamp_ms: int
    _wires: dict[WireFormat, Wire] = field(default_factory=dict[WireFormat, Wire], repr=False, compare=False)

    def to_wire(self, wire_format: WireFormat) -> Wire:
        """The message object of a MESSAGE frame or of a history page; absent fields are left out."""
        if wire_format not in self._wires:
            self._wires[wire_format] = self._render(wire_format)
        return self._wires[wire_format]

    def _render(self, wire_format: WireFormat) -> Wire:
        data, encoding = self.draft.data, self.draft.encoding
        if isinstance(data, bytes) and wire_format is WireFormat.JSON:
            data = base64.b64encode(data).decode()
            encoding = f"{encoding}/base64" if encoding else "base64"
        wire = {
            "id": self.id,
            "name": self.draft.name,
            "data": data,
            "encoding": encoding,
            "clientId": self.draft.client_id,
            "connectionId": self.connection_id,
            "timestamp": self.timestamp_ms,
            "extras": self.draft.extras,
        }
        return {key: value for key, value in wire.items() if value is not None}
