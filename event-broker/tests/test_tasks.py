"""The service's smaller tasks: ending, taking in, carrying records, looking at Redis, purging."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_router import ChannelRouter
from event_broker.outbox_watch import OutboxWatch
from event_broker.postgres_check import check_postgres
from event_broker.purge import purge_daily
from event_broker.relay_keeper import RelayKeeper, log_set_apart
from event_broker.start_check import check_redis
from event_broker.testing.listening_rig import accounts_on
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.trigger import Trigger
from event_broker.until_stopped import until_stopped
from event_queue.audit import AuditKind, AuditRecord, Cursor, SetApart
from event_queue.components import ComponentState
from event_queue.errors import AuditUnavailable, CorruptQueue, HistoryDiverged, QueueUnavailable
from event_queue.outbox_relief import OutboxRelief
from event_queue.outcomes import RedisCondition
from event_queue.relay import OutboxRelay
from event_queue.spill import Spill

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Paused(Exception):
    """Ends an endless task at the pause that the test has had enough of."""


class CountingClock:
    """Lets pauses pass at once, and stops the task after a number of them."""

    def __init__(self, most: int) -> None:
        self.pauses: list[float] = []
        self._most = most

    def now(self) -> datetime:
        """The start, and the pauses since."""
        return NOW + timedelta(seconds=sum(self.pauses))

    async def pause(self, seconds: float) -> None:
        """Pass at once."""
        self.pauses.append(seconds)
        if len(self.pauses) >= self._most:
            raise Paused


def message(number: int) -> Trigger:
    """A message of the one channel."""
    return Trigger("growth", f"m{number}", {"number": number}, NOW)


async def test_a_job_is_cancelled_when_the_service_stops() -> None:
    """Its cleanup is waited for."""
    stopping, cleaned = asyncio.Event(), asyncio.Event()

    async def endless() -> None:
        try:
            stopping.set()
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    await until_stopped(stopping, endless)

    assert cleaned.is_set()


async def test_a_job_that_loses_a_cancellation_is_cancelled_again() -> None:
    """The second one ends it."""
    stopping = asyncio.Event()
    lost: list[str] = []

    async def deaf_once() -> None:
        stopping.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("one")
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await until_stopped(stopping, deaf_once, cancel_again_seconds=0.01)

    assert lost == ["one"]


async def test_what_a_job_raises_is_raised() -> None:
    """A failure is not taken for an end."""

    async def failing() -> None:
        raise Paused

    with pytest.raises(ExceptionGroup) as failure:
        await until_stopped(asyncio.Event(), failing)

    assert failure.group_contains(Paused)


async def test_an_inbox_takes_in_what_it_holds_before_it_ends() -> None:
    """Messages received before the stop signal are still queued, in order."""
    intake, stopping = RecordingIntake(), asyncio.Event()
    inbox = ChannelInbox(ChannelRouter(intake, accounts_on(DU1="growth"), CountingClock(9)))
    intake.open.clear()
    for number in range(3):
        inbox.put(message(number))

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(inbox.run_until(stopping))
        held = inbox.backlog
        stopping.set()
        intake.open.set()

    assert [event.data["number"] for event in intake.taken] == [0, 1, 2]
    assert (held, inbox.backlog) == (3, 0)


class Ends:
    """Both ends of a relay: an outbox with one record, and a store that fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.refused: Sequence[SetApart] = ()
        self.records = [
            AuditRecord(1, "1-0", AuditKind.QUEUED, uuid4(), "DU1", NOW - timedelta(seconds=90), "{}", "{}")
        ]

    async def read(self, after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        """What is left."""
        del after, block
        return self.records[:limit]

    async def trim(self, through: str) -> None:
        """Nothing is left."""
        del through
        self.records = []

    async def length(self) -> int:
        """How many are left."""
        return len(self.records)

    async def spills(self) -> Sequence[str]:
        """Nothing was moved to disk."""
        return ()

    async def cursor(self) -> Cursor:
        """Nothing stored yet."""
        return Cursor()

    async def append(self, records: Sequence[AuditRecord], *, epoch: int | None) -> Sequence[SetApart]:
        """Fail as long as there are failures."""
        del records, epoch
        if self.failures:
            raise self.failures.pop(0)
        return self.refused


def keeper_over(ends: Ends, clock: CountingClock) -> RelayKeeper:
    """A keeper whose relay pauses by the same clock."""

    async def pause(duration: timedelta) -> None:
        await clock.pause(duration.total_seconds())

    untyped: Any = ends
    relay = OutboxRelay(untyped, untyped, now=clock.now, pause=pause, told_set_apart=log_set_apart)
    watch = OutboxWatch(OutboxRelief(untyped, Spill(Path("nowhere"), host="here")), clock)
    return RelayKeeper(relay, watch, clock)


async def until_paused(job: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run a task to the pause at which its clock stops it."""
    with pytest.raises(Paused):
        await job()


def test_a_relay_that_has_not_looked_yet_is_starting() -> None:
    """Nothing is known, and nothing is wrong."""
    report = keeper_over(Ends(), CountingClock(1)).report()

    assert (report.name, report.state, report.facts["lag_records"]) == ("relay", ComponentState.OK, None)


async def test_a_relay_without_postgres_says_what_waits() -> None:
    """The records are counted and said to be safe."""
    keeper = keeper_over(Ends(AuditUnavailable("refused")), CountingClock(1))

    await until_paused(keeper.run)
    report = keeper.report()

    assert report.state is ComponentState.DEGRADED
    assert "(refused); 1 wait in Redis and are kept" in report.detail
    assert report.facts["lag_seconds"] == 90
    assert (report.facts["last_error"], report.facts["failing_since"]) == ("refused", NOW.isoformat())


async def test_a_record_in_quarantine_is_logged_and_reported() -> None:
    """The log names the record and what PostgreSQL said; health counts it and says where it is."""
    ends, event_id = Ends(), uuid4()
    ends.refused = [SetApart(1, event_id, "DataError: no number"), SetApart(2, None, "DataError: no text")]
    ends.read = _gone_after_one(ends.read)
    keeper = keeper_over(ends, CountingClock(1))

    with capture_logs() as logs:
        await until_paused(keeper.run)
    report = keeper.report()

    told = [(log["event"], log["log_level"], log["counter"], log["event_id"], log["reason"]) for log in logs]
    assert told == [
        ("record_quarantined", "error", 1, str(event_id), "DataError: no number"),
        ("record_quarantined", "error", 2, None, "DataError: no text"),
    ]
    assert report.facts["quarantined_records"] == 2
    assert "2 records that PostgreSQL refused are in audit_quarantine" in report.detail


@pytest.mark.parametrize(
    "error", [HistoryDiverged(counter=1, stream_id="1-0", known_as="9-0"), CorruptQueue("the outbox is odd")]
)
async def test_a_relay_that_needs_an_operator_is_down_until_one_came(error: Exception) -> None:
    """The halt is logged and reported; the relay looks again, and once it carries, all is well."""
    ends = Ends(error)
    keeper = keeper_over(ends, CountingClock(1))

    with capture_logs() as logs:
        await until_paused(keeper.run)
    down = keeper.report()
    ends.read = _gone_after_one(ends.read)
    await until_paused(keeper.run)
    up = keeper.report()

    assert [log["event"] for log in logs] == ["relay_halted"]
    assert (down.state, down.facts["last_error"]) == (ComponentState.DOWN, str(error))
    assert (up.facts["stored"], up.facts["lag_records"]) == (1, 0)


def _gone_after_one(read: Any) -> Any:
    """Reads once; then Redis is gone, which makes the relay pause."""
    reads: list[str] = []

    async def limited(after: str, *, limit: int, block: timedelta) -> Sequence[AuditRecord]:
        reads.append(after)
        if len(reads) > 1:
            raise QueueUnavailable("gone")
        return await read(after, limit=limit, block=block)

    return limited


async def test_redis_is_looked_at_again_and_again() -> None:
    """Each trouble and each warning is told once however often it repeats, and again when it comes back."""
    troubles: list[Exception | None] = [QueueUnavailable("gone"), QueueUnavailable("gone"), CorruptQueue("odd key")]
    conditions = [
        RedisCondition(dangers=("appendonly is off",)),
        RedisCondition(refusals=("it is full",), dangers=("appendonly is off", "it evicts")),
        RedisCondition(refusals=("it is full",), dangers=("it evicts",)),
        RedisCondition(dangers=("appendonly is off",)),
    ]
    clock = CountingClock(7)

    async def verify() -> None:
        if troubles and (trouble := troubles.pop(0)):
            raise trouble

    async def look() -> RedisCondition:
        return conditions.pop(0)

    with capture_logs() as logs:
        await until_paused(lambda: check_redis(verify, look, clock))

    assert [(log["event"], log.get("reason")) for log in logs] == [
        ("redis_not_reachable", "gone"),
        ("redis_keys_corrupt", "odd key"),
        ("redis_not_durable", "appendonly is off"),
        ("redis_checked", None),
        ("redis_takes_no_writes", "it is full"),
        ("redis_not_durable", "it evicts"),
        ("redis_not_durable", "appendonly is off"),
    ]
    assert clock.pauses == [5, 5, 5, 60, 60, 60, 60]


async def test_a_postgres_that_may_lose_history_is_told_once() -> None:
    """As long as it lasts, and again when it comes back; while PostgreSQL is away nothing is known of it."""
    answers: list[Sequence[str] | None] = [None, ("fsync",), ("fsync", "commit"), None, ("commit",), ("fsync",)]
    clock = CountingClock(6)

    async def look() -> Sequence[str]:
        answer = answers.pop(0)
        if answer is None:
            raise AuditUnavailable("gone")
        return answer

    with capture_logs() as logs:
        await until_paused(lambda: check_postgres(look, clock))

    assert [(log["event"], log["reason"]) for log in logs] == [
        ("postgres_not_durable", "fsync"),
        ("postgres_not_durable", "commit"),
        ("postgres_not_durable", "fsync"),
    ]
    assert clock.pauses == [60, 600, 600, 60, 600, 600]


async def test_old_events_are_purged_daily_and_sooner_after_a_failure() -> None:
    """Each time by the clock of that moment; a PostgreSQL that is away is asked again in ten minutes."""
    year = timedelta(days=365)
    asked: list[datetime] = []

    class Store:
        async def purge(self, *, now: datetime, retention: timedelta) -> int:
            assert retention == year
            asked.append(now)
            if len(asked) == 2:
                raise AuditUnavailable("gone")
            return 7

    store: Any = Store()
    clock = CountingClock(3)

    with capture_logs() as logs:
        await until_paused(lambda: purge_daily(store, year, clock))

    assert asked == [NOW, NOW + timedelta(days=1), NOW + timedelta(days=1, minutes=10)]
    assert clock.pauses == [86400, 600, 86400]
    assert [log["event"] for log in logs] == ["audit_purged", "audit_not_purged", "audit_purged"]
