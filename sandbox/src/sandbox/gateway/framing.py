"""Frames: a length in four bytes, most significant first, then fields each ended by a zero byte."""

import asyncio
from collections.abc import Iterable

from sandbox.gateway.errors import HandshakeError, MalformedMessageError
from sandbox.gateway.fields import Value, encode

API_SIGN = b"API\0"
_LENGTH_BYTES = 4
_LARGEST_FRAME = 1 << 20


def frame(fields: Iterable[Value]) -> bytes:
    """One message as bytes."""
    body = "".join(f"{encode(field)}\0" for field in fields).encode("ascii", errors="backslashreplace")
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


async def read_body(reader: asyncio.StreamReader) -> str:
    """The body of the next frame.

    Raises:
        asyncio.IncompleteReadError: the peer is gone.
        MalformedMessageError: the announced length cannot be meant.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    if length > _LARGEST_FRAME:
        raise MalformedMessageError(f"a frame of {length} bytes is announced")
    return (await reader.readexactly(length)).decode(errors="replace")


async def read_fields(reader: asyncio.StreamReader) -> list[str]:
    """The fields of the next frame; the errors are those of `read_body`."""
    return (await read_body(reader)).split("\0")[:-1]


async def read_sign(reader: asyncio.StreamReader) -> None:
    """The four bytes that open a connection.

    Raises:
        HandshakeError: they are others.
    """
    sign = await reader.readexactly(len(API_SIGN))
    if sign != API_SIGN:
        raise HandshakeError(f"the peer opens with {sign!r}")
