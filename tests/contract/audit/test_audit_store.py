"""What history keeps of events, whatever keeps it."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from event_queue.audit import AuditKind, AuditRecord, EventFilter, EventStatus, PagePosition, PauseRecord
from event_queue.errors import HistoryDiverged
from event_queue.events import Command, RebalanceEvent
from event_queue.ports.history import AuditStore
from event_queue.testing.events import CREATED, make_event
from event_queue.testing.records import START, RecordMaker

SECOND = timedelta(seconds=1)
DUE = datetime(2025, 6, 25, 14, 30, tzinfo=UTC)


def failing_then_completed(maker: RecordMaker, event: RebalanceEvent) -> list[AuditRecord]:
    """A whole life: queued, tried, failed with a pause, tried again, completed."""
    again = event.requeued()
    return [
        maker.record(AuditKind.QUEUED, event),
        maker.record(AuditKind.CLAIMED, event, {"slot": "0"}),
        maker.record(AuditKind.REQUEUED, again, {"error": "no gateway", "result": {}, "next_attempt_at": DUE}),
        maker.record(AuditKind.CLAIMED, again, {"slot": "0"}),
        maker.record(AuditKind.COMPLETED, again, {"result": {"orders": 2}}),
    ]


async def test_an_empty_audit_knows_nothing(audit: AuditStore) -> None:
    """Without records there is no event, and the cursor stands before the first."""
    await audit.ping()

    assert await audit.get_event(uuid4()) is None
    assert (await audit.cursor()).stream_id == "0-0"


async def test_a_queued_event_is_pending(audit: AuditStore, maker: RecordMaker) -> None:
    """The row carries the event whole, its payload unchanged."""
    event = make_event(
        data={"exec": "rebalance", "empty": [], "long": 12345678901234567890, "deep": {"a": [1.5, None]}}
    )
    await audit.append([maker.record(AuditKind.QUEUED, event)])

    row = await audit.get_event(event.event_id)

    assert row is not None
    assert (row.status, row.times_queued, row.payload) == (EventStatus.PENDING, 1, event.data)
    assert (row.account_id, row.exec_command, row.source) == ("DU1", "rebalance", "api")
    assert (row.created_at, row.received_at) == (CREATED, START + SECOND)


TRANSITIONS = [
    (AuditKind.CLAIMED, EventStatus.PROCESSING),
    (AuditKind.COMPLETED, EventStatus.COMPLETED),
    (AuditKind.SKIPPED, EventStatus.SKIPPED),
    (AuditKind.REQUEUED, EventStatus.FAILED),
    (AuditKind.DELAYED, EventStatus.DELAYED),
    (AuditKind.PARKED, EventStatus.DELAYED),
    (AuditKind.RECOVERED, EventStatus.PENDING),
    (AuditKind.DELETED, EventStatus.DELETED),
    (AuditKind.DUPLICATE, EventStatus.PENDING),
    (AuditKind.COALESCED, EventStatus.PENDING),
]


@pytest.mark.parametrize(("kind", "status"), TRANSITIONS)
async def test_each_transition_gives_its_status(
    audit: AuditStore, maker: RecordMaker, kind: AuditKind, status: EventStatus
) -> None:
    """The status follows the latest transition; records that move nothing leave it."""
    event = make_event()

    await audit.append([maker.record(AuditKind.QUEUED, event), maker.record(kind, event)])

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert row.status is status


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_a_life_is_folded_the_same_in_any_batches(audit: AuditStore, maker: RecordMaker, size: int) -> None:
    """However the records are cut into batches, the row and its history tell the same."""
    event = make_event()
    records = failing_then_completed(maker, event)

    for start in range(0, len(records), size):
        await audit.append(records[start : start + size])

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert (row.status, row.times_queued, row.result) == (EventStatus.COMPLETED, 2, {"orders": 2})
    assert (row.error_message, row.first_failed_date, row.next_attempt_at) == (None, date(2025, 6, 24), None)
    assert (row.started_at, row.completed_at) == (START + 4 * SECOND, START + 5 * SECOND)
    assert [(entry.counter, entry.kind, entry.times_queued) for entry in row.history] == [
        (1, AuditKind.QUEUED, 1),
        (2, AuditKind.CLAIMED, 1),
        (3, AuditKind.REQUEUED, 2),
        (4, AuditKind.CLAIMED, 2),
        (5, AuditKind.COMPLETED, 2),
    ]
    assert (await audit.cursor()).stream_id == records[-1].stream_id


async def test_a_failed_event_shows_its_error_and_next_attempt(audit: AuditStore, maker: RecordMaker) -> None:
    """While an event waits for its next attempt, its row says why and until when."""
    event = make_event()

    await audit.append(failing_then_completed(maker, event)[:3])

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert (row.status, row.error_message, row.next_attempt_at) == (EventStatus.FAILED, "no gateway", DUE)


async def test_records_stored_before_change_nothing(audit: AuditStore, maker: RecordMaker) -> None:
    """A batch that comes again, alone or with newer records, is recognised."""
    event = make_event()
    records = failing_then_completed(maker, event)
    await audit.append(records[:3])

    await audit.append(records[:3])
    await audit.append(records)
    await audit.append(records[1:2])

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert row.status is EventStatus.COMPLETED
    assert [entry.counter for entry in row.history] == [1, 2, 3, 4, 5]
    assert (await audit.cursor()).stream_id == records[-1].stream_id


async def test_a_late_batch_keeps_the_newer_state(audit: AuditStore, maker: RecordMaker) -> None:
    """Older records that arrive after newer ones join the history and leave the state alone."""
    event = make_event()
    records = failing_then_completed(maker, event)

    await audit.append(records[3:])
    await audit.append(records[:3])

    row = await audit.get_event(event.event_id)
    assert row is not None
    assert (row.status, row.times_queued, len(row.history)) == (EventStatus.COMPLETED, 2, 5)
    assert (await audit.cursor()).stream_id == records[-1].stream_id


async def test_a_refused_signal_is_history_without_an_event(audit: AuditStore, maker: RecordMaker) -> None:
    """A duplicate never becomes a row of its own."""
    refused = make_event()

    await audit.append([maker.record(AuditKind.DUPLICATE, refused, {"active_event_id": str(uuid4())})])

    assert await audit.get_event(refused.event_id) is None
    assert (await audit.cursor()).stream_id == maker.made[0].stream_id


async def test_pauses_of_trading_are_kept_apart_from_events(audit: AuditStore, maker: RecordMaker) -> None:
    """Told among other records, and told twice, each is listed once, youngest first."""
    event = make_event()
    records = [
        maker.record(AuditKind.QUEUED, event),
        maker.switched(AuditKind.PAUSED, "*", actor="ops", reason="news"),
        maker.record(AuditKind.CLAIMED, event),
        maker.switched(AuditKind.RESUMED, "*", actor="risk"),
    ]
    await audit.append(records)
    await audit.append(records)

    listed = await audit.list_pauses(limit=10)

    assert list(listed) == [
        PauseRecord(4, AuditKind.RESUMED, "*", "risk", None, START + 4 * SECOND),
        PauseRecord(2, AuditKind.PAUSED, "*", "ops", "news", START + 2 * SECOND),
    ]
    assert await audit.list_pauses(limit=1) == listed[:1]
    row = await audit.get_event(event.event_id)
    assert row is not None
    assert [entry.counter for entry in row.history] == [1, 3]
    assert len(await audit.list_events(EventFilter(), limit=10)) == 1


async def test_an_audit_of_pauses_alone_moves_its_cursor(audit: AuditStore, maker: RecordMaker) -> None:
    """Nothing is read again that was stored."""
    await audit.append([record := maker.switched(AuditKind.PAUSED, "DU1", actor="ops", reason="news")])

    assert (await audit.cursor()).stream_id == record.stream_id


async def test_a_rolled_back_pause_is_a_diverged_history(audit: AuditStore, maker: RecordMaker) -> None:
    """The counter of a pause under another stream id is noticed like any other."""
    await audit.append([maker.switched(AuditKind.PAUSED, "DU1", actor="ops", reason="news")])
    rolled_back = RecordMaker(start=START + timedelta(hours=1))

    with pytest.raises(HistoryDiverged):
        await audit.append([rolled_back.switched(AuditKind.PAUSED, "DU1", actor="ops", reason="other news")])


async def test_a_known_counter_under_a_new_id_is_a_diverged_history(audit: AuditStore, maker: RecordMaker) -> None:
    """A Redis that was rolled back writes old counters again; nothing of that is stored."""
    event = make_event()
    await audit.append(failing_then_completed(maker, event))
    rolled_back = RecordMaker(start=START + timedelta(hours=1))
    other = make_event("DU2")

    with pytest.raises(HistoryDiverged):
        await audit.append([rolled_back.record(AuditKind.QUEUED, other)])

    assert await audit.get_event(other.event_id) is None
    assert (await audit.cursor()).stream_id == maker.made[-1].stream_id


async def test_an_emptied_redis_is_noticed_after_a_purge(audit: AuditStore, maker: RecordMaker) -> None:
    """Even when the old counters are purged, the cursor tells that they were used."""
    await audit.append([*failing_then_completed(maker, make_event()), maker.record(AuditKind.QUEUED, make_event())])
    assert await audit.purge(now=DUE, retention=timedelta()) == 1

    with pytest.raises(HistoryDiverged):
        await audit.append([RecordMaker(start=DUE).record(AuditKind.QUEUED, make_event())])


async def test_events_are_listed_youngest_first_in_pages(audit: AuditStore, maker: RecordMaker) -> None:
    """Pages follow one another without gap or repeat, also among events of one moment."""
    events = [make_event(f"DU{n}", created_at=CREATED + SECOND * (n // 2)) for n in range(5)]
    await audit.append([maker.record(AuditKind.QUEUED, event) for event in events])

    listed: list[str] = []
    after = None
    while page := await audit.list_events(EventFilter(), limit=2, after=after):
        listed += [str(row.event_id) for row in page]
        after = PagePosition(page[-1].created_at, page[-1].event_id)

    expected = sorted(events, key=lambda event: (event.created_at, event.event_id), reverse=True)
    assert listed == [str(event.event_id) for event in expected]


FILTERS = [
    (EventFilter(account_id="DU2"), {"DU2"}),
    (EventFilter(exec_command="print-equity"), {"DU3"}),
    (EventFilter(status=EventStatus.COMPLETED), {"DU1"}),
    (EventFilter(created_from=CREATED + SECOND), {"DU2", "DU3"}),
    (EventFilter(created_until=CREATED + SECOND), {"DU1"}),
    (EventFilter(account_id="DU1", status=EventStatus.PENDING), set[str]()),
]


@pytest.mark.parametrize(("matching", "accounts"), FILTERS)
async def test_a_listing_can_be_narrowed(
    audit: AuditStore, maker: RecordMaker, matching: EventFilter, accounts: set[str]
) -> None:
    """Each filter keeps what it names; together they keep what all name."""
    await audit.append(failing_then_completed(maker, make_event("DU1")))
    later = CREATED + SECOND
    for event in (make_event("DU2", created_at=later), make_event("DU3", Command.PRINT_EQUITY, created_at=later)):
        await audit.append([maker.record(AuditKind.QUEUED, event)])

    listed = await audit.list_events(matching, limit=10)

    assert {row.account_id for row in listed} == accounts
