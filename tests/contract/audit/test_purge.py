"""What leaves history after its retention, and what stays, whatever keeps it."""

from datetime import timedelta

from event_queue.audit import AuditKind, AuditRecord
from event_queue.events import RebalanceEvent
from event_queue.ports.history import AuditStore
from event_queue.testing.events import make_event
from event_queue.testing.records import START, RecordMaker

DAY = timedelta(days=1)
RETENTION = 10 * DAY


def ended(maker: RecordMaker, event: RebalanceEvent) -> list[AuditRecord]:
    """A whole life."""
    return [
        maker.record(AuditKind.QUEUED, event),
        maker.record(AuditKind.CLAIMED, event, {"slot": "0"}),
        maker.record(AuditKind.COMPLETED, event, {"result": {}}),
    ]


async def pass_days(audit: AuditStore, maker: RecordMaker, days: int) -> int:
    """Days without a word, then a signal that is refused, and a purge; how many events that removed."""
    maker.start += days * DAY
    last = maker.record(AuditKind.DUPLICATE, make_event("DU9"))
    await audit.append([last])
    return await audit.purge(now=last.recorded_at, retention=RETENTION)


async def scopes_listed(audit: AuditStore) -> list[tuple[AuditKind, str]]:
    return [(each.kind, each.scope) for each in await audit.list_pauses(limit=100)]


async def test_a_purge_removes_what_ended_long_ago(audit: AuditStore, maker: RecordMaker) -> None:
    """Ended events go with their history; living ones stay, however old."""
    over, living = make_event("DU1"), make_event("DU2")
    await audit.append([*ended(maker, over), maker.record(AuditKind.QUEUED, living)])

    early, late = await pass_days(audit, maker, 9), await pass_days(audit, maker, 2)

    assert (early, late) == (0, 1)
    assert await audit.get_event(over.event_id) is None
    assert await audit.get_event(living.event_id) is not None


async def test_an_event_stays_for_a_retention_after_its_last_word(audit: AuditStore, maker: RecordMaker) -> None:
    """An execution told after the end is recognised by its record for as long as any other."""
    event = make_event("DU1")
    await audit.append(ended(maker, event))
    maker.start += 8 * DAY
    await audit.append([maker.record(AuditKind.RESYNCED, event)])

    early, late = await pass_days(audit, maker, 3), await pass_days(audit, maker, 8)

    assert (early, late) == (0, 1)


async def test_a_clock_that_is_ahead_purges_nothing(audit: AuditStore, maker: RecordMaker) -> None:
    """The retention counts from the last record, which the clock of Redis tells, and not from a service's clock."""
    event = make_event()
    await audit.append(ended(maker, event))

    removed = await audit.purge(now=START + 400 * DAY, retention=RETENTION)

    assert removed == 0
    assert await audit.get_event(event.event_id) is not None


async def test_a_redis_whose_clock_is_ahead_purges_nothing(audit: AuditStore, maker: RecordMaker) -> None:
    """Nor does it count from the last record alone."""
    event = make_event()
    await audit.append(ended(maker, event))
    maker.start += 400 * DAY
    await audit.append([maker.record(AuditKind.QUEUED, make_event("DU2"))])

    assert await audit.purge(now=START + DAY, retention=RETENTION) == 0


async def test_a_pause_in_force_outlives_any_retention(audit: AuditStore, maker: RecordMaker) -> None:
    """Of each scope there stays how it was switched last, and since when it is paused."""
    await audit.append(
        [
            maker.switched(AuditKind.PAUSED, "DU1", actor="ops", reason="over"),
            maker.switched(AuditKind.RESUMED, "DU1", actor="ops"),
            maker.switched(AuditKind.PAUSED, "DU1", actor="ops", reason="news"),
            maker.switched(AuditKind.PAUSED, "DU1", actor="risk", reason="more news"),
            maker.switched(AuditKind.PAUSED, "*", actor="ops", reason="all stop"),
            maker.switched(AuditKind.PAUSED, "DU2", actor="ops", reason="over"),
            maker.switched(AuditKind.RESUMED, "DU2", actor="ops"),
        ]
    )

    await pass_days(audit, maker, 9)
    early = await scopes_listed(audit)
    await pass_days(audit, maker, 900)

    assert len(early) == 7
    assert await scopes_listed(audit) == [
        (AuditKind.RESUMED, "DU2"),
        (AuditKind.PAUSED, "*"),
        (AuditKind.PAUSED, "DU1"),
        (AuditKind.PAUSED, "DU1"),
        (AuditKind.RESUMED, "DU1"),
    ]
