"""The worker's clock is stepped by an hour, either way, while it works."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from event_processor.rebalancer import trading_day
from event_processor.testing.scenario import ACCOUNT, NOON
from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind
from event_queue.events import Command, RebalanceEvent

HOURS = pytest.mark.parametrize("hours", [-1, 1])


@HOURS
async def test_an_attempt_outlives_a_stepped_clock(world: WorkerWorld, hours: int) -> None:
    """The event ends, keeps the lease meanwhile, and the one behind it ends too."""
    calm = world.answer

    async def step_and_answer(request: httpx.Request) -> httpx.Response:
        world.clock.advance(hours * 3600)
        world.answer = calm
        return await calm(request)

    world.answer = step_and_answer
    await world.enqueue()
    await world.enqueue(Command.PRINT_EQUITY)

    async with world.running():
        await world.next_record(AuditKind.COMPLETED)
        await world.next_record(AuditKind.COMPLETED)

    assert world.clock.now() == NOON + timedelta(hours=hours)
    assert AuditKind.REQUEUED not in await world.all_kinds()


@HOURS
async def test_the_age_of_the_event_in_hand_is_never_negative(world: WorkerWorld, hours: int) -> None:
    """Whoever looks at health right after a step reads a figure that can be."""
    ages: list[float] = []
    calm = world.answer

    async def step_and_look(request: httpx.Request) -> httpx.Response:
        world.clock.advance(hours * 3600)
        report = world.status.report(world.clock.now())
        assert report is not None
        ages.extend(entry["age_seconds"] for entry in report.facts["in_hand"])
        return await calm(request)

    world.answer = step_and_look
    await world.enqueue(Command.PRINT_REBALANCE)

    async with world.running():
        await world.next_record(AuditKind.COMPLETED)

    assert ages == [max(0, hours) * 3600.0]


async def test_an_event_from_the_future_is_young_and_is_taken(world: WorkerWorld) -> None:
    """A producer whose clock is ahead delays nothing and makes no negative age; only too great an age counts."""
    ahead = RebalanceEvent.new(
        account_id=ACCOUNT, exec_command=Command.PRINT_EQUITY, source="api", now=NOON + timedelta(days=36500)
    )
    await world.queue.intake.enqueue(ahead)
    status = await world.queue.admin.status()

    async with world.running():
        await world.next_record(AuditKind.COMPLETED)

    assert status.oldest_event_age_seconds == 0


@HOURS
async def test_no_services_clock_makes_an_event_too_old_to_trade_on(world: WorkerWorld, hours: int) -> None:
    """Neither that of whoever took it in nor the worker's: Redis measures the age, from the intake to the attempt."""
    world.processing = world.processing.model_copy(update={"max_event_age_seconds": 1800})
    skewed = RebalanceEvent.new(
        account_id=ACCOUNT, exec_command=Command.REBALANCE, source="api", now=NOON - timedelta(hours=hours)
    )
    await world.queue.intake.enqueue(skewed)
    world.clock.advance(hours * 3600)

    async with world.running():
        result = json.loads((await world.next_record(AuditKind.COMPLETED)).details_json)["result"]

    assert result["execution_mode"] == "live"


@HOURS
async def test_no_services_clock_makes_an_old_event_young(world: WorkerWorld, hours: int) -> None:
    """What waited for an hour is only shown, whatever its own time and the worker's clock say."""
    world.processing = world.processing.model_copy(update={"max_event_age_seconds": 1800})
    skewed = RebalanceEvent.new(
        account_id=ACCOUNT, exec_command=Command.REBALANCE, source="api", now=NOON + timedelta(hours=hours)
    )
    await world.queue.intake.enqueue(skewed)
    await world.make_older(skewed, 3600)

    async with world.running():
        result = json.loads((await world.next_record(AuditKind.COMPLETED)).details_json)["result"]

    assert result["execution_mode"] == "dry_run"


@HOURS
async def test_an_event_handed_back_at_a_stop_waits_for_no_clock(world: WorkerWorld, hours: int) -> None:
    """Only the clock of Redis counts: a worker whose own is an hour ahead puts nothing off by an hour."""
    event = await world.enqueue()

    async def stop_and_hang(_request: httpx.Request) -> httpx.Response:
        world.clock.advance(hours * 3600)
        world.stop.set()
        return await asyncio.Future()

    calm, world.answer = world.answer, stop_and_hang
    async with world.running() as stopping:
        await asyncio.wait({stopping})
    world.answer = calm
    async with world.running(started_at=2.0):
        done = await world.next_record(AuditKind.COMPLETED)

    assert done.event_id == event.event_id
    assert (await world.all_kinds()).count(AuditKind.DELAYED) == 1


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-08T04:59:59", "2026-03-07"),
        ("2026-03-08T05:00:00", "2026-03-08"),
        ("2026-03-09T03:59:59", "2026-03-08"),
        ("2026-03-09T04:00:00", "2026-03-09"),
        ("2026-11-01T03:59:59", "2026-10-31"),
        ("2026-11-01T04:00:00", "2026-11-01"),
        ("2026-11-02T04:59:59", "2026-11-01"),
        ("2026-11-02T05:00:00", "2026-11-02"),
    ],
)
def test_days_change_at_midnight_in_new_york(moment: str, day: str) -> None:
    """Also around the two nights of the year in which an hour is left out or comes twice."""
    assert trading_day(datetime.fromisoformat(moment).replace(tzinfo=UTC)) == date.fromisoformat(day)
