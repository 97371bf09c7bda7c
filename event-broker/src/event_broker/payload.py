"""What an inbound payload asks for: a dry run, unless it is a JSON object whose `exec` is exactly `rebalance`.

Everything else (nothing, another word or case, another type, the name of another command, junk) is a dry run. The
event keeps the object it came with. What cannot be kept is replaced by a short description, `{"problem": ..., "raw":
...}`, and never trades, however it spells `exec`: a payload that the queue refuses cannot be audited either.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import JsonValue

from event_queue.errors import PayloadRefused
from event_queue.events import Command
from event_queue.json_numbers import read_float, read_integer
from event_queue.payloads import MAX_PAYLOAD_BYTES, validate_payload

RAW_LIMIT: Final = 500
"""Characters of an unreadable payload that the event keeps, for whoever has to find its sender."""
_PROBLEM_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Payload:
    """A trigger's payload, read."""

    command: Command
    """REBALANCE or PRINT_REBALANCE, nothing else."""
    data: dict[str, JsonValue]
    """What the event carries."""
    problem: str | None = None
    """Why the original could not be kept; None when `data` is the original."""


def read_payload(raw: object) -> Payload:
    """Read a payload as it comes from a publisher: an object, JSON text or bytes, nothing, or anything else.

    Total: there is no value for which it raises.
    """
    try:
        data = _as_object(raw)
        validate_payload(data)
    except PayloadRefused as refusal:
        return _described(raw, str(refusal))
    command = Command.REBALANCE if data.get("exec") == Command.REBALANCE.value else Command.PRINT_REBALANCE
    return Payload(command, data)


def _as_object(raw: object) -> dict[str, JsonValue]:
    """The JSON object in the payload, `{}` for nothing."""
    match raw:
        case str() | bytes() | bytearray():
            value = _parse(raw)
        case _:
            value = raw
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise PayloadRefused("data", "is not a JSON object")
    return cast("dict[str, JsonValue]", value)


def _parse(raw: str | bytes | bytearray) -> object:
    if not raw:
        return None
    if len(raw) > MAX_PAYLOAD_BYTES:
        raise PayloadRefused("data", f"is longer than {MAX_PAYLOAD_BYTES} bytes")
    try:
        text = raw if isinstance(raw, str) else raw.decode()
        return json.loads(text, object_pairs_hook=_without_repeats, parse_int=read_integer, parse_float=read_float)
    except (ValueError, RecursionError) as error:
        raise PayloadRefused("data", "is not JSON") from error


def _without_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are unique: `{"exec": "dry_run", "exec": "rebalance"}` has no meaning to act on."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise PayloadRefused("data", "repeats a key")
    return result


def _described(raw: object, problem: str) -> Payload:
    problem = _storable(problem, _PROBLEM_LIMIT)
    return Payload(Command.PRINT_REBALANCE, {"problem": problem, "raw": _preview(raw)}, problem)


def _preview(raw: object) -> str:
    match raw:
        case str():
            return _storable(raw, RAW_LIMIT)
        case bytes() | bytearray():
            return _storable(raw[:RAW_LIMIT].decode(errors="replace"), RAW_LIMIT)
        case Mapping():
            return f"an object of {len(cast('Mapping[object, object]', raw))} keys"
        case list():
            return f"a list of {len(cast('list[object]', raw))} values"
        case bool() | float():
            return str(raw)
        case _:
            return f"a value of type {type(raw).__name__}"


def _storable(text: str, limit: int) -> str:
    """The beginning of a text, without what PostgreSQL or UTF-8 could not hold."""
    return text[:limit].replace("\x00", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()
