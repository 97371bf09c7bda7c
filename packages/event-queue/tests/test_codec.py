"""How values are written in Redis and read back."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from event_queue.codec import decode_event, encode_details, from_ms, to_ms
from event_queue.errors import CorruptQueue


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


@pytest.mark.parametrize("body", ["", "{}", '{"event_id": 1}', "nonsense"])
def test_a_strangers_event_is_corrupt(body: str) -> None:
    """What is not an event of ours is named in the error."""
    with pytest.raises(CorruptQueue):
        decode_event(body)
