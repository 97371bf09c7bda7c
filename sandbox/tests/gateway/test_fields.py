"""Frames and fields without a connection."""

import asyncio
from decimal import Decimal

import pytest

from sandbox.gateway.errors import HandshakeError, MalformedMessageError
from sandbox.gateway.fields import UNSET, FieldReader, Value, encode
from sandbox.gateway.framing import frame, read_fields
from sandbox.gateway.handshake import read_version
from sandbox.gateway.layout import Field, render
from sandbox.gateway.pacing import Pacer


def reader_of(data: bytes) -> asyncio.StreamReader:
    """A stream that holds these bytes and then ends."""
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "1"),
        (False, "0"),
        (7, "7"),
        (Decimal("500.10"), "500.1"),
        (Decimal("1E+3"), "1000"),
        (Decimal("0.00000001"), "0.00000001"),
        ("SPY", "SPY"),
    ],
)
def test_values_are_written_without_exponents_and_trailing_zeros(value: Value, text: str) -> None:
    """The way that clients of any kind can read."""
    assert encode(value) == text


@pytest.mark.parametrize("text", ["", UNSET, "1.7976931348623157e+308", "Infinity", "NaN"])
def test_what_is_not_set_is_none(text: str) -> None:
    """In the notation of either client."""
    assert FieldReader([text]).number() is None


def test_numbers_are_exact() -> None:
    """No binary fraction in between."""
    assert str(FieldReader(["10.0"]).number()) == "10"
    assert str(FieldReader(["0.1"]).number()) == "0.1"


def test_broken_fields_are_errors_of_the_message() -> None:
    """Too few fields, or words where numbers belong."""
    with pytest.raises(MalformedMessageError, match="too early"):
        FieldReader([]).text()
    with pytest.raises(MalformedMessageError, match="'x'"):
        FieldReader(["x"]).integer()
    with pytest.raises(MalformedMessageError, match="'x'"):
        FieldReader(["x"]).number()


async def test_a_frame_is_read_back() -> None:
    """Characters beyond ASCII are escaped."""
    assert await read_fields(reader_of(frame(["a", 1, None, "é"]))) == ["a", "1", "", "\\xe9"]


async def test_an_absurd_length_is_refused() -> None:
    """Nobody means a frame of two gigabytes."""
    with pytest.raises(MalformedMessageError, match="2147483647"):
        await read_fields(reader_of(b"\x7f\xff\xff\xff"))


@pytest.mark.parametrize(("offer", "version"), [("v100..157", 157), ("v157..178", 178), ("v157..200 +PACEAPI", 178)])
async def test_the_highest_common_version_is_spoken(offer: str, version: int) -> None:
    """Whatever else the client could."""
    body = offer.encode()

    assert await read_version(reader_of(b"API\0" + len(body).to_bytes(4, "big") + body)) == version


@pytest.mark.parametrize("offer", ["v100..150", "v179..200", "hello"])
async def test_versions_out_of_reach_are_refused(offer: str) -> None:
    """Older and newer clients alike."""
    body = offer.encode()

    with pytest.raises(HandshakeError):
        await read_version(reader_of(b"API\0" + len(body).to_bytes(4, "big") + body))


def test_a_layout_sends_a_field_in_its_versions_only() -> None:
    """Both ends of the range belong to it."""
    layout = (Field("a", 1), Field("old", 2, until=163), Field("new", 3, since=164))

    assert render(layout, {"a": 9}, 163) == [9, 2]
    assert render(layout, {"a": 9}, 164) == [9, 3]


def test_the_pace_is_counted_over_the_last_second() -> None:
    """What is older does not count."""
    pacer = Pacer(2)

    assert [pacer.is_exceeded(now) for now in (0.0, 0.5, 0.9, 1.6, 1.85)] == [False, False, True, False, True]
