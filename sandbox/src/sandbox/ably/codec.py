"""The two formats of Ably's protocol, JSON and MessagePack, for frames and for REST bodies."""

import json
from enum import Enum
from typing import Any

import msgpack as untyped_msgpack

from sandbox.ably.errors import BadRequestError

msgpack: Any = untyped_msgpack
"""MessagePack ships without types."""

Wire = dict[str, Any]


class WireFormat(Enum):
    """How one client wants to be spoken to; the value is the media type of REST bodies."""

    JSON = "application/json"
    MSGPACK = "application/x-msgpack"

    @classmethod
    def named(cls, name: str | None) -> "WireFormat":
        """The format of the websocket parameter `format`; JSON unless it says msgpack."""
        return cls.MSGPACK if name == "msgpack" else cls.JSON

    @classmethod
    def of_media_type(cls, media_type: str | None) -> "WireFormat":
        """The format of an Accept or Content-Type header; JSON unless it says MessagePack."""
        return cls.MSGPACK if media_type and "msgpack" in media_type else cls.JSON

    def pack(self, value: Any) -> bytes:
        """Encode one value."""
        if self is WireFormat.JSON:
            return json.dumps(value, separators=(",", ":")).encode()
        packed: bytes = msgpack.packb(value, use_bin_type=True)
        return packed

    def unpack(self, raw: bytes | str) -> Any:
        """Decode one value; raises BadRequestError when it is not in this format."""
        try:
            if self is WireFormat.JSON:
                return json.loads(raw)
            return msgpack.unpackb(raw, raw=False)
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise BadRequestError(f"the body is not valid {self.value}") from error

    def unpack_object(self, raw: bytes | str) -> Wire:
        """Decode one object; raises BadRequestError for anything else."""
        value = self.unpack(raw)
        if not isinstance(value, dict):
            raise BadRequestError("expected an object")
        return value  # pyright: ignore[reportUnknownVariableType]  # the inside of a frame is checked where it is used
