"""docs/state-machine.md says what the code and init.sql do: every record, every status, every arrow."""

import re
from pathlib import Path

import pytest

from event_queue.audit import FINAL_STATUSES, STATUS_AFTER, SWITCH_KINDS, AuditKind, EventStatus
from service_runtime.settings import ProcessingSettings

ARROW = re.compile(r"^    (\S+) --> (\S+)(?:: (\w+))?$", re.MULTILINE)
START_OR_END = "[*]"


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    """The text of the page."""
    return (root / "docs" / "state-machine.md").read_text("utf-8")


def arrows(page: str) -> set[tuple[str, str, str]]:
    """From, to and the record of every arrow of the diagram."""
    return {(start, end, kind) for start, end, kind in ARROW.findall(page)}


def test_the_table_has_every_record(page: str) -> None:
    """Each kind of record about an event has a row; the two about trading as a whole are named below."""
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
    below = page[page.index("Two more kinds") :].splitlines()[0]

    assert told == set(AuditKind) - SWITCH_KINDS - {AuditKind.UNREADABLE}
    assert set(re.findall(r"`(\w+)`", below)) == SWITCH_KINDS


def test_each_arrow_leads_where_its_record_does(page: str) -> None:
    """A record moves an event to the same status in the diagram as in the code, and none is left out."""
    labelled = {(AuditKind(kind), EventStatus(end)) for _, end, kind in arrows(page) if kind}

    assert labelled == set(STATUS_AFTER.items())


def test_final_statuses_lead_nowhere(page: str) -> None:
    """What has ended stays so, and everything else goes on."""
    drawn = arrows(page)
    ends = {start for start, end, _ in drawn if end == START_OR_END}

    assert ends == FINAL_STATUSES
    assert {start for start, end, _ in drawn if end != START_OR_END} == {START_OR_END, *EventStatus} - FINAL_STATUSES


def test_the_table_of_events_knows_the_same_statuses(root: Path) -> None:
    """PostgreSQL accepts each status of the code, and no other."""
    schema = (root / "init.sql").read_text("utf-8")
    check = re.search(r"status IN \(([^)]*)\)", schema)

    assert check is not None
    assert set(re.findall(r"'(\w+)'", check.group(1))) == set(EventStatus)


def test_the_pauses_are_the_defaults(page: str) -> None:
    """The seconds that the page names after a failure are those of the settings."""
    settings = ProcessingSettings()
    named = [float(seconds) for seconds in re.findall(r"(\d+) s\b", page)]

    assert named == [
        settings.pause_connection_seconds,
        settings.pause_unexpected_seconds,
        settings.pause_rejected_seconds,
    ]
