"""Documents that break off, and documents that are wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_broker.half_written import breaks_off

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(), VALUES, min_size=1, max_size=4)


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 2]), st.data())
def test_a_document_breaks_off_at_every_byte_but_its_last(
    document: dict[str, Any], ascii_only: bool, indent: int | None, data: st.DataObject
) -> None:
    """Wherever its writer is, in a word, a number, a text or a letter of several bytes."""
    raw = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    cut = data.draw(st.integers(0, len(raw) - 1))

    assert breaks_off(raw[:cut])
    assert not breaks_off(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b"[",
        b'"text',
        b"{broken",
        b"{'account_id': 'DU1'",
        b'{"account_id": DU1',
        b'{"account_id": "DU1",, ',
        b'{"account_id": "DU1" "exec": "re',
        b'{"account_id" = "DU1"',
        b'{"a": tru3',
        b'{"a": 1.x',
        b'{"a": "\\x',
        b'{"a": 1}}',
        b'{"a": 1} and more',
        b'{"a": "line\nbreak',
        b'{"a": "\x00',
        b'\xff\xfe{"a"',
        b'{"a": "\xc3\x28',
        b"\x00\x00",
        b'{"a": ' + b"[" * 100_000,
    ],
    ids=lambda raw: ascii(raw)[:30],
)
def test_what_is_wrong_as_far_as_it_goes_does_not_break_off(raw: bytes) -> None:
    """Nothing that follows could make it a document."""
    assert not breaks_off(raw)


@pytest.mark.parametrize("raw", [b"", b" \n\t", b"{", b'  {"a": 1, ', b'{"a": "\\', b'{"a": "\\u00e', b'{"a": -'])
def test_beginnings_break_off(raw: bytes) -> None:
    """Also the shortest ones, and an empty file."""
    assert breaks_off(raw)
