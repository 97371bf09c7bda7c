"""Whether a batch follows history: by the quick look, and wherever that does not suffice."""

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.errors import HistoryDiverged, HistoryGap
from event_queue.events import RebalanceEvent
from event_queue.stream_ids import check_order
from event_queue.testing.events import make_event
from event_queue.testing.records import RecordMaker

EVENT: RebalanceEvent = make_event()


def batch(*positions: tuple[int, str]) -> list[AuditRecord]:
    """Records with these counters and stream ids."""
    record = RecordMaker().record(AuditKind.QUEUED, EVENT)
    return [record._replace(counter=counter, stream_id=stream_id) for counter, stream_id in positions]


@pytest.mark.parametrize(
    "positions",
    [
        [],
        [(8, "101-0"), (9, "101-1"), (10, "102-0")],
        [(8, "100-6"), (9, "100-10")],
        [(7, "100-5"), (8, "100-6")],
        [(7, "100-5"), (8, "1000-0")],
    ],
)
def test_records_behind_the_cursor_follow(positions: list[tuple[int, str]]) -> None:
    """In later milliseconds, in the same one, and behind the last stored record read again."""
    check_order(batch(*positions), counter=7, stream_id="100-5", known={7: "100-5"})


@pytest.mark.parametrize("positions", [[(8, "99-0"), (9, "101-0")], [(8, "100-5")], [(8, "101-0"), (9, "100-4")]])
def test_later_counters_under_earlier_ids_are_of_another_past(positions: list[tuple[int, str]]) -> None:
    """Wherever in a batch whose counters have no gap."""
    with pytest.raises(HistoryDiverged):
        check_order(batch(*positions), counter=7, stream_id="100-5", known={})


@pytest.mark.parametrize(("positions", "first"), [([(9, "101-0")], 8), ([(8, "101-0"), (10, "101-1")], 9)])
def test_a_gap_is_told(positions: list[tuple[int, str]], first: int) -> None:
    """Before the batch, and in it."""
    with pytest.raises(HistoryGap) as gap:
        check_order(batch(*positions), counter=7, stream_id="100-5", known={})

    assert gap.value.first == first


def test_an_empty_history_begins_with_whatever_comes_first() -> None:
    """But has no gaps from then on."""
    check_order(batch((5, "9-0"), (6, "9-1")), counter=0, stream_id="0-0", known={})

    with pytest.raises(HistoryGap):
        check_order(batch((5, "9-0"), (7, "9-1")), counter=0, stream_id="0-0", known={})
