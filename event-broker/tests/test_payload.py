"""Only the exact word trades."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_broker.payload import RAW_LIMIT, read_payload
from event_queue.events import Command
from event_queue.payloads import validate_payload

LIVE = {"exec": "rebalance"}


@pytest.mark.parametrize(
    "raw",
    [
        LIVE,
        '{"exec": "rebalance"}',
        b'{"exec": "rebalance"}',
        bytearray(b'{"exec": "rebalance"}'),
        ' {"exec":\t"rebalance"}\n',
        '{"\\u0065xec": "rebalance"}',
    ],
)
def test_the_exact_word_trades(raw: object) -> None:
    """An object, its JSON text and its bytes all mean the same."""
    payload = read_payload(raw)

    assert payload.command is Command.REBALANCE
    assert payload.data == LIVE
    assert payload.problem is None


def test_what_else_an_object_holds_is_kept_and_not_read() -> None:
    """Account settings and notes in the payload travel with the event unchanged."""
    raw: dict[str, Any] = {"exec": "rebalance", "account_config": {"reserve": [1, 2.5, None]}, "note": "Ünïcode"}

    payload = read_payload(raw)

    assert payload.command is Command.REBALANCE
    assert payload.data == raw


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"exec": "dry_run"},
        {"exec": "print-rebalance"},
        {"exec": "print-positions"},
        {"exec": "print-equity"},
        {"exec": "print-orders"},
        {"exec": "cancel-orders"},
        {"exec": "Rebalance"},
        {"exec": "REBALANCE"},
        {"exec": " rebalance"},
        {"exec": "rebalance "},
        {"exec": "rebalance\n"},
        {"exec": "rebalance\u200b"},
        {"exec": "r\u0435balance"},
        {"exec": ""},
        {"exec": None},
        {"exec": True},
        {"exec": 1},
        {"exec": 1.0},
        {"exec": ["rebalance"]},
        {"exec": {"exec": "rebalance"}},
        {"Exec": "rebalance"},
        {"EXEC": "rebalance"},
        {"exec ": "rebalance"},
        {"command": "rebalance"},
        {"data": {"exec": "rebalance"}},
        {"rebalance": "exec"},
    ],
)
def test_every_other_object_is_a_dry_run_that_keeps_it(raw: dict[str, Any]) -> None:
    """Missing, unknown, wrong case, wrong type, another command: dry run, with the object as it came."""
    for form in (raw, json.dumps(raw), json.dumps(raw).encode()):
        payload = read_payload(form)

        assert payload.command is Command.PRINT_REBALANCE
        assert payload.data == raw
        assert payload.problem is None


@pytest.mark.parametrize("raw", [None, "", b"", "null", b"null"])
def test_nothing_is_a_dry_run_without_data(raw: object) -> None:
    """A message without a payload is the documented dry run."""
    payload = read_payload(raw)

    assert (payload.command, payload.data, payload.problem) == (Command.PRINT_REBALANCE, {}, None)


@pytest.mark.parametrize(
    ("raw", "problem", "preview"),
    [
        ("rebalance", "is not JSON", "rebalance"),
        ('"rebalance"', "is not a JSON object", '"rebalance"'),
        ('"{\\"exec\\": \\"rebalance\\"}"', "is not a JSON object", '"{\\"exec\\": \\"rebalance\\"}"'),
        ("exec=rebalance", "is not JSON", "exec=rebalance"),
        ("{'exec': 'rebalance'}", "is not JSON", "{'exec': 'rebalance'}"),
        ('{"exec": "rebalance"} trailing', "is not JSON", '{"exec": "rebalance"} trailing'),
        ('{"exec": "dry_run", "exec": "rebalance"}', "repeats a key", '{"exec": "dry_run", "exec": "rebalance"}'),
        ('\ufeff{"exec": "rebalance"}', "is not JSON", '\ufeff{"exec": "rebalance"}'),
        ('{"exec": "rebalance"}'.encode("utf-16-le"), "is not JSON", None),
        (b"\xff\xfe", "is not JSON", "\ufffd\ufffd"),
        ([LIVE], "is not a JSON object", "a list of 1 values"),
        (["rebalance"], "is not a JSON object", "a list of 1 values"),
        (True, "is not a JSON object", "True"),
        (1.5, "is not a JSON object", "1.5"),
        (7, "is not a JSON object", "a value of type int"),
        (object(), "is not a JSON object", "a value of type object"),
        ("[" * 10_000, "is not JSON", "[" * RAW_LIMIT),
        ("9" * 5_000, "is not a JSON object", "9" * RAW_LIMIT),
        ('{"exec": "rebalance", "n": -1e-400}', "data.n: is a number smaller than 5e-324", None),
        ('{"exec": "rebalance", "n": [1e400]}', "data.n[0]: is not a finite number", None),
        ('{"exec": "rebalance", "n": NaN}', "data.n: is not a finite number", None),
        ('{"exec": "rebalance", "n": ' + "9" * 5_000 + "}", "data.n: is a number of more than 300 digits", None),
    ],
)
def test_junk_is_described(raw: object, problem: str, preview: str | None) -> None:
    """What is no JSON object becomes a dry run that says what was wrong and how it began."""
    payload = read_payload(raw)

    assert payload.command is Command.PRINT_REBALANCE
    assert payload.problem is not None
    assert problem in payload.problem
    assert payload.data["problem"] == payload.problem
    assert preview is None or payload.data["raw"] == preview


@pytest.mark.parametrize(
    "envelope",
    [
        {"exec": "rebalance", "note": "a\x00b"},
        {"exec": "rebalance", "no\x00te": 1},
        {"exec": "rebalance", "note": "\ud800"},
        {"exec": "rebalance", "note": float("nan")},
        {"exec": "rebalance", "note": float("inf")},
        {"exec": "rebalance", "note": 10**400},
        {"exec": "rebalance", "note": "x" * 70_000},
        {"exec": "rebalance", "note": b"bytes"},
        {"exec": "rebalance", 7: "seven"},
    ],
)
def test_a_live_signal_in_a_hostile_envelope_never_trades(envelope: dict[Any, Any]) -> None:
    """What the queue could not carry unchanged is replaced by a description, and its command does not count."""
    payload = read_payload(envelope)

    assert payload.command is Command.PRINT_REBALANCE
    assert payload.problem is not None
    assert "exec" not in payload.data


def test_too_deep_an_object_never_trades() -> None:
    """Nesting beyond what the queue takes is refused, however deep."""
    deep: dict[str, Any] = {}
    for _ in range(50_000):
        deep = {"deeper": deep}

    payload = read_payload({"exec": "rebalance", "deep": deep})

    assert payload.command is Command.PRINT_REBALANCE
    assert payload.data["raw"] == "an object of 2 keys"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(["rebalance", "Rebalance", "dry_run", "cancel-orders", "rebalance ", ""]) | st.text()
KEYS = st.sampled_from(["exec", "Exec", "exec "]) | st.text()
RAW: st.SearchStrategy[Any] = (
    JSON
    | st.binary()
    | st.text(alphabet=st.characters())
    | st.dictionaries(KEYS, WORDS | JSON, max_size=4)
    | st.dictionaries(KEYS, WORDS | JSON, max_size=4).map(json.dumps)
    | st.dictionaries(KEYS, WORDS | JSON, max_size=4).map(lambda value: json.dumps(value).encode())
)


def _says_rebalance(raw: Any) -> bool:
    """A second, plainer opinion on whether the payload is a live signal."""
    try:
        value = json.loads(raw) if isinstance(raw, str | bytes) else raw
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("exec"), str) and value["exec"] == "rebalance"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # any JSON


@given(RAW)
def test_whatever_comes_nothing_but_the_exact_word_trades(raw: Any) -> None:
    """Reading never fails, always gives what the queue can carry, and trades only on the exact word."""
    payload = read_payload(raw)

    validate_payload(payload.data)
    assert payload.command in (Command.REBALANCE, Command.PRINT_REBALANCE)
    if payload.command is Command.REBALANCE:
        assert _says_rebalance(raw)
        assert payload.data["exec"] == "rebalance"
    elif _says_rebalance(raw):
        assert payload.problem is not None
