"""Executions and trading days: written under their event whenever they are told, each once."""

import json
from datetime import date, timedelta
from uuid import uuid4

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.errors import LeaseLost
from event_queue.events import RebalanceEvent
from event_queue.outcomes import LastTrade, Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

AT_ONCE = timedelta(milliseconds=1)
YESTERDAY, TODAY, TOMORROW = date(2025, 6, 23), date(2025, 6, 24), date(2025, 6, 25)


async def claim(queue: RedisQueue, lease: Lease) -> RebalanceEvent:
    """An event of DU1 in the worker's hands."""
    await queue.intake.enqueue(event := make_event("DU1"))
    assert await queue.worker.claim(lease, "0") == event
    return event


async def ended(queue: RedisQueue, lease: Lease, *, after_an_order: bool = True) -> RebalanceEvent:
    """An event of DU1 that has ended, as a rule after it had sent an order."""
    event = await claim(queue, lease)
    if after_an_order:
        await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})
    await queue.worker.complete(lease, "0", event, result={}, claim_next=False)
    return event


async def fill(
    queue: RedisQueue, lease: Lease, event: RebalanceEvent, *, exec_id: str = "1", day: date = TODAY, **more: str | None
) -> bool:
    details = {"exec_id": exec_id, **more}
    return await queue.worker.record_fill(lease, event.event_id, "DU1", details, trading_day=day)


async def fills(queue: RedisQueue) -> list[AuditRecord]:
    records = await queue.outbox.read("0-0", limit=1000, block=AT_ONCE)
    return [record for record in records if record.kind is AuditKind.FILL]


async def test_an_account_that_never_traded_has_no_last_day(queue: RedisQueue) -> None:
    """Nothing is known before the first fill."""
    assert await queue.worker.last_traded("DU1") is None


async def test_a_fill_sets_the_accounts_last_trading_day(queue: RedisQueue, lease: Lease) -> None:
    """Its day and its event are kept for its account alone; records without a day leave them."""
    event = await claim(queue, lease)

    await fill(queue, lease, event)
    await queue.worker.record(lease, "0", event, AuditKind.ORDER_RESULT, {"order_ref": "a"})

    assert await queue.worker.last_traded("DU1") == LastTrade(TODAY, event.event_id)
    assert await queue.worker.last_traded("DU2") is None


async def test_the_last_trading_day_never_goes_back(queue: RedisQueue, lease: Lease) -> None:
    """A fill of an earlier day that is told late changes nothing; one of the same day names the latest event."""
    first = await claim(queue, lease)
    await fill(queue, lease, first)
    await queue.worker.complete(lease, "0", first, result={}, claim_next=False)
    second = await claim(queue, lease)

    await fill(queue, lease, second, exec_id="0", day=YESTERDAY)
    late = await queue.worker.last_traded("DU1")
    await fill(queue, lease, second, exec_id="2")

    assert late == LastTrade(TODAY, first.event_id)
    assert await queue.worker.last_traded("DU1") == LastTrade(TODAY, second.event_id)


async def test_a_fill_after_the_end_of_its_event_is_written_under_it(queue: RedisQueue, lease: Lease) -> None:
    """As the event was when it sent its first order; the event itself does not come back."""
    event = await ended(queue, lease)

    assert await fill(queue, lease, event)

    (record,) = await fills(queue)
    assert (record.event_id, record.account_id, record.details_json) == (event.event_id, "DU1", '{"exec_id":"1"}')
    assert RebalanceEvent.model_validate_json(record.event_json) == event
    assert await queue.worker.last_traded("DU1") == LastTrade(TODAY, event.event_id)
    assert (await queue.admin.status()).active_events_count == 0


async def test_a_fill_is_written_once_before_and_after_the_end_of_its_event(queue: RedisQueue, lease: Lease) -> None:
    """Told live, told again in every list of the day; only its commission, told later, is news."""
    event = await claim(queue, lease)
    await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})
    await fill(queue, lease, event, commission=None)
    await queue.worker.requeue(lease, "0", event, pause=timedelta(), error="", result={})
    again = await queue.worker.claim(lease, "0")
    assert again is not None
    await fill(queue, lease, again, commission=None)
    await queue.worker.complete(lease, "0", again, result={}, claim_next=False)

    for _ in range(2):
        assert await fill(queue, lease, event, commission=None)
        assert await fill(queue, lease, event, commission="1.05")

    assert [record.details_json for record in await fills(queue)] == [
        '{"exec_id":"1","commission":null}',
        '{"exec_id":"1","commission":"1.05"}',
    ]


@pytest.mark.parametrize("otherwise", [{"price": "1.50"}, {"commission": "1.10"}, {"replaces": "0"}])
async def test_what_was_told_last_is_written_last(queue: RedisQueue, lease: Lease, otherwise: dict[str, str]) -> None:
    """Also when that was told before: as when a correction turns out to be none. Each change is written once."""
    event = await ended(queue, lease)
    first = {"exec_id": "1", "price": "1.49", "commission": "1.05", "commission_currency": "USD"}

    for told in (first, first | otherwise, first):
        for details in (told, told, {**told, "commission": None}):
            assert await queue.worker.record_fill(lease, event.event_id, "DU1", details, trading_day=TODAY)

    written = [json.loads(record.details_json) for record in await fills(queue)]
    assert written == [first, first | otherwise, first]


async def test_one_execution_says_nothing_of_another(queue: RedisQueue, lease: Lease) -> None:
    """A session tells them in an order of its own; none of them is news by that."""
    event = await ended(queue, lease)

    for exec_id in ("1", "2", "2", "1"):
        await fill(queue, lease, event, exec_id=exec_id)

    assert len(await fills(queue)) == 2


@pytest.mark.parametrize("sent", ["by nobody", "by an event that sent no order"])
async def test_a_fill_of_an_unknown_event_is_refused(queue: RedisQueue, lease: Lease, sent: str) -> None:
    """Nothing is written, and the trading day stays."""
    event = await ended(queue, lease, after_an_order=False) if sent != "by nobody" else make_event("DU1")

    assert not await fill(queue, lease, event)

    assert not await fills(queue)
    assert await queue.worker.last_traded("DU1") is None


async def test_an_event_is_kept_for_its_fills_for_eight_days(queue: RedisQueue, lease: Lease) -> None:
    """A gateway tells executions again for seven; nothing is kept for ever."""
    event = await ended(queue, lease)

    left_ms = await queue.client.execute_command("PTTL", queue.keys.traded_event(str(event.event_id)))

    assert 0 <= 8 * 24 * 3600 * 1000 - left_ms < 3600 * 1000


async def test_a_worker_without_the_lease_writes_no_fill(queue: RedisQueue, lease: Lease) -> None:
    """Whoever has it hears of the execution too."""
    event = await ended(queue, lease)
    await queue.worker.release_lease(lease)

    with pytest.raises(LeaseLost):
        await fill(queue, lease, event)

    assert not await fills(queue)


async def test_an_order_taken_for_the_close_is_expected_to_use_the_day_up(queue: RedisQueue, lease: Lease) -> None:
    """In the step that records it; its first fill makes it certain."""
    event = await claim(queue, lease)

    await queue.worker.record(lease, "0", event, AuditKind.ORDER_RESULT, {"order_ref": "a"}, trading_day=TODAY)
    expected = await queue.worker.last_traded("DU1")
    await fill(queue, lease, event)

    assert expected == LastTrade(TODAY, event.event_id, is_expected=True)
    assert await queue.worker.last_traded("DU1") == LastTrade(TODAY, event.event_id)


@pytest.mark.parametrize(
    ("filled_on", "stands"),
    [(YESTERDAY, False), (TODAY, True), (TOMORROW, True)],
)
async def test_what_was_filled_stands_above_what_is_expected(
    queue: RedisQueue, lease: Lease, filled_on: date, *, stands: bool
) -> None:
    """An expectation replaces an earlier day, and another expectation, never a fill of its own day."""
    first = await claim(queue, lease)
    await fill(queue, lease, first, day=filled_on)
    await queue.worker.complete(lease, "0", first, result={}, claim_next=False)
    second = await claim(queue, lease)

    for order_ref in ("a", "b"):
        details = {"order_ref": order_ref}
        await queue.worker.record(lease, "0", second, AuditKind.ORDER_RESULT, details, trading_day=TODAY)

    expected = LastTrade(TODAY, second.event_id, is_expected=True)
    assert await queue.worker.last_traded("DU1") == (LastTrade(filled_on, first.event_id) if stands else expected)


async def test_an_expectation_gives_way_to_that_of_a_later_event(queue: RedisQueue, lease: Lease) -> None:
    """Orders that were cancelled before the close leave the day to the next event."""
    first = await claim(queue, lease)
    await queue.worker.record(lease, "0", first, AuditKind.ORDER_RESULT, {"order_ref": "a"}, trading_day=TODAY)
    await queue.worker.complete(lease, "0", first, result={}, claim_next=False)
    second = await claim(queue, lease)

    await queue.worker.record(lease, "0", second, AuditKind.ORDER_RESULT, {"order_ref": "b"}, trading_day=TODAY)

    assert await queue.worker.last_traded("DU1") == LastTrade(TODAY, second.event_id, is_expected=True)


async def test_a_fill_of_a_made_up_event_cannot_be_smuggled_in(queue: RedisQueue, lease: Lease) -> None:
    """An orderRef that only looks like ours names no event."""
    await ended(queue, lease)

    assert not await queue.worker.record_fill(lease, uuid4(), "DU1", {"exec_id": "1"}, trading_day=TODAY)
