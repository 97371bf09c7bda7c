"""How values are written in Redis and read back."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.codec import decode_event, decode_record, encode_details, encode_event, from_ms, to_ms
from event_queue.errors import CorruptQueue
from event_queue.testing.events import make_event


def test_moments_are_whole_milliseconds() -> None:
    """Milliseconds go both ways, before 1970 too."""
    moment = datetime(2025, 6, 24, 14, 30, 0, 123000, tzinfo=UTC)

    assert from_ms(to_ms(moment)) == moment
    assert to_ms(moment + timedelta(microseconds=999)) == to_ms(moment)
    assert to_ms(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1000


def test_details_keep_money_and_moments_as_text() -> None:
    """A Decimal keeps its digits, a moment its zone."""
    text = encode_details({"price": Decimal("501.250"), "at": datetime(2025, 6, 24, tzinfo=UTC), "name": "é"})

    assert json.loads(text) == {"price": "501.250", "at": "2025-06-24T00:00:00+00:00", "name": "é"}


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"price": float("nan")}, {"price": "nan"}),
        ({"prices": [1.5, float("-inf")]}, {"prices": [1.5, "-inf"]}),
        ({"error": "bad\x00word"}, {"error": "bad\ufffdword"}),
        ({"error": "half \ud800 pair", "a\x00b": 1}, {"error": "half \ufffd pair", "a\ufffdb": 1}),
        (
            {"result": {"legs": ({"price": Decimal("NaN"), "note": "\udfff"},)}},
            {"result": {"legs": [{"price": "NaN", "note": "\ufffd"}]}},
        ),
        ({"error": "a literal \\u0000"}, {"error": "a literal \\u0000"}),
    ],
)
def test_details_replace_what_postgres_has_no_word_for(told: dict[str, Any], kept: dict[str, Any]) -> None:
    """An attempt can be written down whatever the brokerage said."""
    text = encode_details(told)

    assert json.loads(text) == kept
    assert text.encode()


def test_a_record_is_read_with_its_due_time() -> None:
    """The script's due time joins the details; the moment is that of the stream id."""
    event = make_event()
    fields = {
        "n": "7",
        "kind": "requeued",
        "event": encode_event(event),
        "details": '{"error":"x"}',
        "due": "1750775400000",
    }

    record = decode_record("1750775399999-3", fields)

    assert (record.counter, record.kind, record.event_id) == (7, AuditKind.REQUEUED, event.event_id)
    assert record.recorded_at == datetime(2025, 6, 24, 14, 29, 59, 999000, tzinfo=UTC)
    assert json.loads(record.details_json) == {"error": "x", "next_attempt_at": "2025-06-24T14:30:00+00:00"}


@pytest.mark.parametrize("body", ["", "{}", '{"event_id": 1}', "nonsense"])
def test_a_strangers_event_is_corrupt(body: str) -> None:
    """What is not an event of ours is named in the error."""
    with pytest.raises(CorruptQueue):
        decode_event(body)


@pytest.mark.parametrize("field", ["n", "kind", "event", "details", "due"])
def test_a_strangers_record_is_corrupt(field: str) -> None:
    """A record without one of its fields was not written by the queue."""
    fields = {"n": "1", "kind": "queued", "event": encode_event(make_event()), "details": "{}", "due": ""}
    del fields[field]

    with pytest.raises(CorruptQueue, match="1-0"):
        decode_record("1-0", fields)
