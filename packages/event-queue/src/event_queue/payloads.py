"""What a trigger's payload may hold: only what JSON, Redis and PostgreSQL all carry unchanged."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final, cast

from event_queue.errors import PayloadRefused
from event_queue.json_numbers import TooSmall

MAX_PAYLOAD_BYTES: Final = 64 * 1024
MAX_PAYLOAD_DEPTH: Final = 32
_LARGEST_INTEGER: Final = 10**300
_as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def validate_payload(data: object) -> None:
    """Check a trigger's payload before it becomes an event.

    Accepts JSON objects of at most 64 KiB and 32 levels, with numbers that a float can hold and text that is valid
    Unicode without NUL characters (which PostgreSQL cannot store).

    Raises:
        PayloadRefused: naming the first offending field.
    """
    if not isinstance(data, dict):
        raise PayloadRefused("data", "must be a JSON object")
    _check_values(cast("dict[object, object]", data))
    size = len(_as_json(data).encode())
    if size > MAX_PAYLOAD_BYTES:
        raise PayloadRefused("data", f"is {size} bytes long, more than {MAX_PAYLOAD_BYTES}")


def _check_values(data: dict[object, object]) -> None:
    """Walk the payload without recursion, so that no depth can exhaust the stack."""
    waiting: list[tuple[str, object, int]] = [("data", data, 1)]
    while waiting:
        path, value, depth = waiting.pop()
        if depth > MAX_PAYLOAD_DEPTH:
            raise PayloadRefused(path, f"is nested deeper than {MAX_PAYLOAD_DEPTH} levels")
        _check_scalar(path, value)
        waiting.extend((name, child, depth + 1) for name, child in _children(path, value))


def _children(path: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, child in cast("dict[object, object]", value).items():
            if not isinstance(key, str):
                raise PayloadRefused(path, "has a key that is not text")
            _check_text(f"{path}: key", key)
            yield f"{path}.{key}", child
    elif isinstance(value, list):
        for index, child in enumerate(cast("list[object]", value)):
            yield f"{path}[{index}]", child


def _check_scalar(path: str, value: Any) -> None:
    match value:
        case None | bool() | dict() | list():
            return
        case str():
            _check_text(path, value)
        case int():
            if abs(value) >= _LARGEST_INTEGER:
                raise PayloadRefused(path, "is a number of more than 300 digits")
        case TooSmall():
            raise PayloadRefused(path, "is a number smaller than 5e-324, and not zero")
        case float():
            if not math.isfinite(value):
                raise PayloadRefused(path, "is not a finite number")
        case _:
            raise PayloadRefused(path, "is not a JSON value")


def _check_text(path: str, text: str) -> None:
    if "\x00" in text:
        raise PayloadRefused(path, "contains a NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise PayloadRefused(path, "contains half of a surrogate pair")
