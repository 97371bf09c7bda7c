"""What a trigger file may say."""

import json
from typing import Any

import pytest

from event_broker.admission import Admission, admit
from event_broker.errors import FileRefused, FileUnfinished
from event_broker.manual_request import read_request
from event_broker.testing.listening_rig import accounts_on
from event_queue.events import Command
from service_runtime.accounts import Accounts
from service_runtime.settings import AblySettings, TradingMode


@pytest.fixture
def admission() -> Admission:
    """A paper deployment with one account, a live account by mistake and a disabled one."""
    known = accounts_on(DU1="growth", U9="growth")
    return admit(Accounts(known.by_id, frozenset({"DU7"})), TradingMode.PAPER, AblySettings())


def text(**fields: Any) -> bytes:
    """A document."""
    return json.dumps(fields).encode()


def test_the_documented_example_is_a_preview(admission: Admission) -> None:
    """All four fields, kept as they are."""
    fields = {"account_id": "DU1", "exec": "print-rebalance", "source": "manual", "timestamp": "2025-01-15T10:00:00Z"}

    request = read_request(text(**fields), admission)

    assert (request.account_id, request.command, request.data) == ("DU1", Command.PRINT_REBALANCE, fields)


@pytest.mark.parametrize("fields", [{}, {"exec": None}, {"Exec": "rebalance"}, {"command": "rebalance"}])
def test_without_exec_it_is_a_preview(admission: Admission, fields: dict[str, Any]) -> None:
    """A missing command, or one under another name, never trades."""
    assert read_request(text(account_id="DU1", **fields), admission).command is Command.PRINT_REBALANCE


@pytest.mark.parametrize("command", list(Command))
def test_every_command_is_taken_by_its_exact_name(admission: Admission, command: Command) -> None:
    """The word alone decides."""
    assert read_request(text(account_id="DU1", exec=command.value), admission).command is command


@pytest.mark.parametrize(
    "word", ["Rebalance", "rebalance ", " rebalance", "REBALANCE", "trade", "", 1, True, ["rebalance"]]
)
def test_any_other_command_is_refused_and_the_commands_are_listed(admission: Admission, word: object) -> None:
    """A misspelt command is not guessed at."""
    with pytest.raises(FileRefused, match=r"the commands are rebalance, print-rebalance, .*cancel-orders"):
        read_request(text(account_id="DU1", exec=word), admission)


@pytest.mark.parametrize(
    ("account_id", "words"),
    [
        ("DU2", "not in accounts.yaml"),
        ("du1", "not in accounts.yaml"),
        ("DU7", "disabled in accounts.yaml"),
        ("U9", "TRADING_MODE is paper"),
        ("", "account_id is required"),
        (None, "account_id is required"),
        (1, "account_id is required"),
    ],
)
def test_an_account_that_may_not_be_queued_is_refused(admission: Admission, account_id: object, words: str) -> None:
    """Unknown, disabled, of the other mode, or none at all."""
    with pytest.raises(FileRefused, match=words):
        read_request(text(account_id=account_id), admission)


@pytest.mark.parametrize("field", ["source", "timestamp"])
@pytest.mark.parametrize("value", [1, {}, "x" * 201])
def test_labels_are_short_texts(admission: Admission, field: str, value: object) -> None:
    """Nothing else is kept under them."""
    with pytest.raises(FileRefused, match=field):
        read_request(text(account_id="DU1", **{field: value}), admission)


def test_line_ends_of_another_system_make_no_difference(admission: Admission) -> None:
    """White space is white space."""
    request = read_request(b'{\r\n  "account_id": "DU1",\r\n  "exec": "rebalance"\r\n}\r\n', admission)

    assert (request.account_id, request.command) == ("DU1", Command.REBALANCE)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"account_id": "DU1"',
        b'{"account_id": "DU1", "account_id": "DU2"}',
        b'{"account_id": "DU1", "n": NaN}',
        b'{"account_id": "DU1", "n": "\\u0000"}',
        b"\xff\xfe{",
        b'\xef\xbb\xbf{"account_id": "DU1"}',
        '{"account_id": "DU1"}'.encode("utf-16"),
        b'{"account_id": "DU1"}\x00',
        b"[" * 5000,
    ],
)
def test_what_is_no_whole_document_may_be_unfinished(admission: Admission, raw: bytes) -> None:
    """Its writer gets time to finish it."""
    with pytest.raises(FileUnfinished):
        read_request(raw, admission)
