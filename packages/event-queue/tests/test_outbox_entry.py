"""Entries of the outbox: whole ones, spoilt ones, and somebody else's."""

import json
from datetime import UTC, datetime

import pytest

from event_queue.audit import AuditKind
from event_queue.codec import encode_event
from event_queue.errors import CorruptQueue
from event_queue.outbox_entry import decode_entry, decode_record
from event_queue.spill_lines import decode_spilled, encode_spilled
from event_queue.testing.events import make_event

DEEP = "[" * 100_000 + "]" * 100_000
SPOILT = {
    "kind": ["", "nonsense", "\x00"],
    "event": ["", "{", "[]x", "7", "[1]", "{}", '{"event_id": "7"}', '{"event_id": 1e400}', DEEP, "\udcff"],
    "details": [""],
    "due": ["soon", "nan", "inf", "1e400"],
    "at": ["x", "9" * 40],
}


def entry(**changed: str) -> dict[str, str]:
    """A good entry, but for what is changed."""
    return {"n": "7", "kind": "queued", "event": encode_event(make_event()), "details": "{}", "due": ""} | changed


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


@pytest.mark.parametrize("account_id", ["U1", "", 'a"b', "a\\b", "\N{GREEK SMALL LETTER ALPHA}\u2028"])
def test_an_account_is_read_as_json_writes_it(account_id: str) -> None:
    """As the queue writes events, with their parts in another order, and with spaces between them."""
    event = json.loads(encode_event(make_event())) | {"account_id": account_id}
    texts = [
        json.dumps(event, separators=(",", ":"), ensure_ascii=False),
        json.dumps(event, sort_keys=True),
        json.dumps(event),
    ]

    records = [decode_record("1-0", entry(event=text)) for text in texts]

    assert {(str(record.event_id), record.account_id) for record in records} == {(event["event_id"], account_id)}


@pytest.mark.parametrize("number", [None, "", "x", "-1", "1.5", "1e3", "9" * 19, "\N{SUPERSCRIPT TWO}"])
def test_an_entry_without_a_number_is_somebody_elses(number: str | None) -> None:
    """It has no place in a numbered history; the error says where it is."""
    fields = entry() | {"n": number or ""}
    if number is None:
        del fields["n"]

    with pytest.raises(CorruptQueue, match="1-0"):
        decode_record("1-0", fields)


@pytest.mark.parametrize(
    ("field", "text"),
    [(field, text) for field, texts in SPOILT.items() for text in texts],
    ids=lambda word: ascii(word)[:20],
)
def test_a_spoilt_entry_keeps_its_number_and_its_text(field: str, text: str) -> None:
    """Whatever else is wrong with it, it can be set apart, and comes back from a file as it was."""
    fields = entry(**{field: text} | ({"due": "7"} if field == "details" else {}))

    record = decode_record("1750775399999-3", fields)

    assert (record.counter, record.kind, record.event_id) == (7, AuditKind.UNREADABLE, None)
    assert json.loads(record.event_json) == fields
    assert decode_spilled(encode_spilled(record)) == record


def test_a_record_that_got_another_number_keeps_its_moment_in_a_file() -> None:
    """Its stream id is that of the moment at which it was numbered again."""
    record = decode_record("1750775399999-3", entry(at="1750000000123"))

    assert record.recorded_at == datetime(2025, 6, 15, 15, 6, 40, 123000, tzinfo=UTC)
    assert decode_spilled(encode_spilled(record)) == record


@pytest.mark.parametrize("field", ["kind", "event", "details", "due"])
def test_an_entry_without_one_of_its_fields_is_spoilt(field: str) -> None:
    """The queue never wrote it so, but it has its number."""
    fields = entry()
    del fields[field]

    assert decode_record("1-0", fields).kind is AuditKind.UNREADABLE


@pytest.mark.parametrize(
    "words",
    [
        entry(),
        entry(due="1750775400000"),
        entry(at="1750000000123"),
        {name: entry()[name] for name in ("event", "n", "due", "details", "kind")},
        entry(kind="paused", event="null", details='{"scope":"DU1"}'),
        *(entry(**{field: text}) for field, texts in SPOILT.items() for text in texts),
        {"n": "7"},
    ],
    ids=lambda fields: ascii(fields)[:20],
)
def test_an_entry_as_redis_sends_it_reads_as_its_fields_do(words: dict[str, str]) -> None:
    """Names and values in turn are the same entry, spoilt or not, in whatever order."""
    sent = [word for pair in words.items() for word in pair]

    assert decode_entry("1750775399999-3", sent) == decode_record("1750775399999-3", words)


@pytest.mark.parametrize("sent", [[], ["n", ""], ["n", "x", "kind", "", "event", "", "details", "", "due", ""]])
def test_an_entry_that_redis_sends_without_a_number_is_somebody_elses(sent: list[str]) -> None:
    """As one that is read by its fields."""
    with pytest.raises(CorruptQueue, match="1-0"):
        decode_entry("1-0", sent)
