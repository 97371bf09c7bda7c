"""What a trigger file asks for: an account, and a command that is a dry run unless it is exactly `rebalance`."""

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from event_broker.admission import Admission
from event_broker.errors import FileBreaksOff, FileRefused, FileUnfinished
from event_broker.half_written import breaks_off
from event_broker.payload import read_payload
from event_queue.events import Command

_LONGEST_LABEL: Final = 200


@dataclass(frozen=True, slots=True)
class ManualRequest:
    """A valid document."""

    account_id: str
    command: Command
    data: dict[str, JsonValue]
    """The document as it was written."""


def read_request(raw: bytes, admission: Admission) -> ManualRequest:
    """Read and check a whole document.

    Raises:
        FileBreaksOff: there is nothing in it yet, or the beginning of a JSON object.
        FileUnfinished: it is no JSON object that can be kept.
        FileRefused: a field is missing or wrong, or the account may not be queued here.
    """
    if breaks_off(raw):
        raise FileBreaksOff("the document breaks off" if raw.strip() else "the file is empty")
    payload = read_payload(raw)
    if payload.problem is not None:
        raise FileUnfinished(f"the document cannot be read: {payload.problem}")
    if not payload.data:
        raise FileUnfinished("the document is empty; account_id is required")
    for label in ("source", "timestamp"):
        _check_label(label, payload.data.get(label))
    command = _command(payload.data.get("exec"))
    return ManualRequest(_account(payload.data.get("account_id"), admission), command, payload.data)


def _account(account_id: JsonValue, admission: Admission) -> str:
    if not isinstance(account_id, str) or not account_id:
        raise FileRefused("account_id is required, as text")
    if account_id in admission.accounts.by_id:
        return account_id
    if account_id in admission.accounts.disabled:
        raise FileRefused(f"account {account_id} is disabled in accounts.yaml")
    for misfit, remark in zip(admission.misfits, admission.remarks, strict=True):
        if misfit.account_id == account_id:
            raise FileRefused(remark)
    raise FileRefused(f"account {account_id[:50]!r} is not in accounts.yaml")


def _command(word: JsonValue) -> Command:
    """The command; a preview where none is given."""
    if word is None:
        return Command.PRINT_REBALANCE
    if isinstance(word, str) and word in set(Command):
        return Command(word)
    raise FileRefused(f"exec {str(word)[:50]!r} is not a command; the commands are {', '.join(Command)}")


def _check_label(name: str, value: JsonValue) -> None:
    if value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_LABEL):
        raise FileRefused(f"{name} has to be text of at most {_LONGEST_LABEL} characters")
