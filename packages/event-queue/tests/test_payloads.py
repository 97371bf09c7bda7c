"""What a payload may hold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_queue.codec import decode_event, encode_event
from event_queue.errors import PayloadRefused
from event_queue.json_numbers import TooSmall
from event_queue.payloads import MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH, validate_payload
from event_queue.testing.events import make_event


def nested(levels: int) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    for _ in range(levels - 1):
        payload = {"a": payload}
    return payload


REFUSED: list[tuple[str, object, str]] = [
    ("not an object", [1], "data"),
    ("NaN", {"a": [1, {"b": float("nan")}]}, "data.a[1].b"),
    ("infinity", {"a": json.loads("1e400")}, "data.a"),
    ("too small", {"a": TooSmall()}, "data.a"),
    ("NUL", {"a": "x\x00"}, "data.a"),
    ("NUL in a key", {"a": {"x\x00": 1}}, "data.a: key"),
    ("lone surrogate", {"a": "\ud800"}, "data.a"),
    ("lone surrogate in a key", {"\udfff": 1}, "data: key"),
    ("too deep", nested(MAX_PAYLOAD_DEPTH + 1), "data" + ".a" * MAX_PAYLOAD_DEPTH),
    ("hopelessly deep", nested(100_000), "data" + ".a" * MAX_PAYLOAD_DEPTH),
    ("too large", {"a": "x" * MAX_PAYLOAD_BYTES}, "data"),
    ("too large in bytes", {"a": "é" * (MAX_PAYLOAD_BYTES // 2)}, "data"),
    ("endless number", {"a": 10**400}, "data.a"),
    ("not JSON", {"a": {1, 2}}, "data.a"),
    ("a key that is not text", {"a": {1: 2}}, "data.a"),
]


@pytest.mark.parametrize(("payload", "field"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_carried_is_refused_by_its_field(payload: object, field: str) -> None:
    """The refusal names the field."""
    with pytest.raises(PayloadRefused) as refusal:
        validate_payload(payload)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    "payload",
    [{}, {"a": None, "b": True, "c": -0.5, "d": "é😀", "e": [], "f": {}}, {"n": 2**63}, nested(MAX_PAYLOAD_DEPTH)],
)
def test_json_is_accepted(payload: dict[str, Any]) -> None:
    """Every JSON value within the limits passes."""
    validate_payload(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_accepted_comes_back_unchanged(payload: dict[str, Any]) -> None:
    """An accepted payload survives being written and read, value for value."""
    try:
        validate_payload(payload)
    except PayloadRefused:
        return
    event = make_event(data=payload)

    assert decode_event(encode_event(event)) == event
    assert encode_event(decode_event(encode_event(event))) == encode_event(event)
