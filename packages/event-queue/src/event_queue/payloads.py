"""What a trigger's payload may hold: only what JSON, Redis and PostgreSQL all carry unchanged."""

import json
import math
from collections.abc import Iterator
from typing import Final, cast

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
        path, container, depth = waiting.pop()
        for name, child in _members(path, container):
            if depth == MAX_PAYLOAD_DEPTH:
                raise PayloadRefused(path + name, f"is nested deeper than {MAX_PAYLOAD_DEPTH} levels")
            if isinstance(child, dict | list):
                waiting.append((path + name, cast("object", child), depth + 1))
            elif fault := _fault_of(child):
                raise PayloadRefused(path + name, fault)


def _members(path: str, container: object) -> Iterator[tuple[str, object]]:
    """What it holds, each with what its path adds to that of the container."""
    if isinstance(container, dict):
        for key, child in cast("dict[object, object]", container).items():
            if not isinstance(key, str):
                raise PayloadRefused(path, "has a key that is not text")
            if fault := _fault_of_text(key):
                raise PayloadRefused(f"{path}: key", fault)
            yield f".{key}", child
    else:
        for index, child in enumerate(cast("list[object]", container)):
            yield f"[{index}]", child


def _fault_of(value: object) -> str | None:
    """Why a value that holds no others cannot be carried."""
    if isinstance(value, str):
        return _fault_of_text(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return "is a number of more than 300 digits" if abs(value) >= _LARGEST_INTEGER else None
    if isinstance(value, TooSmall):
        return "is a number smaller than 5e-324, and not zero"
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    return "is not a JSON value"


def _fault_of_text(text: str) -> str | None:
    if "\x00" in text:
        return "contains a NUL character"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "contains half of a surrogate pair"
    return None
