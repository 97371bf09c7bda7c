"""Trading paused and resumed: what is refused, what waits, and what goes on."""

import asyncio
from datetime import timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import CorruptQueue, TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.outcomes import EVERY_ACCOUNT, Deleted, EventState, Lease, Pause
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

AT_ONCE = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


async def claim(queue: RedisQueue, lease: Lease, account: str = "DU1", slot: str = "0") -> RebalanceEvent:
    """An event of the account, in the slot's hands."""
    await queue.intake.enqueue(event := make_event(account))
    assert await queue.worker.claim(lease, slot) == event
    return event


async def park(queue: RedisQueue, lease: Lease, *accounts: str) -> list[RebalanceEvent]:
    """An event parked for each account, in that order."""
    events: list[RebalanceEvent] = []
    for account in accounts:
        events.append(event := await claim(queue, lease, account))
        await queue.worker.park(lease, "0", event, reason="trading is paused")
    return events


async def kinds(queue: RedisQueue) -> list[AuditKind]:
    return [record.kind for record in await queue.outbox.read("0-0", limit=1000, block=AT_ONCE)]


async def test_trading_is_not_paused_at_first(queue: RedisQueue) -> None:
    """An empty queue has no pause."""
    assert await queue.trading.read() == {}


async def test_a_pause_can_be_read_with_its_words(queue: RedisQueue) -> None:
    """Who, why and since when, for each scope; text of any kind comes back as it was given."""
    every = await queue.trading.pause(EVERY_ACCOUNT, actor='a "friend"', reason="Flash crash: 50 %\nof \\ 'it' \u00fc")
    one = await queue.trading.pause("DU1", actor="ops", reason="")

    assert dict(await queue.trading.read()) == {EVERY_ACCOUNT: every, "DU1": one}
    assert (every.actor, every.reason) == ('a "friend"', "Flash crash: 50 %\nof \\ 'it' \u00fc")
    assert every.since <= one.since


async def test_pausing_again_keeps_the_moment(queue: RedisQueue) -> None:
    """The same words change nothing; other words replace the old ones, on record."""
    first = await queue.trading.pause("DU1", actor="ops", reason="news")

    same = await queue.trading.pause("DU1", actor="ops", reason="news")
    other = await queue.trading.pause("DU1", actor="risk", reason="more news")

    assert same == first
    assert other == Pause("DU1", "risk", "more news", first.since)
    assert await queue.trading.read() == {"DU1": other}
    assert await kinds(queue) == [AuditKind.PAUSED] * 2


async def test_resuming_lifts_one_scope_once(queue: RedisQueue) -> None:
    """The lifted pause is told; a scope that is not paused is left as it is, and unrecorded."""
    pause = await queue.trading.pause("DU1", actor="ops", reason="news")
    every = await queue.trading.pause(EVERY_ACCOUNT, actor="ops", reason="all")

    lifted = [await queue.trading.resume("DU1", actor="ops") for _ in range(2)]

    assert lifted == [pause, None]
    assert await queue.trading.read() == {EVERY_ACCOUNT: every}
    assert (await kinds(queue)).count(AuditKind.RESUMED) == 1


async def test_the_switch_is_audited_without_an_event(queue: RedisQueue) -> None:
    """A record of the switch names its scope, and belongs to no event."""
    await queue.trading.pause("DU1", actor="ops", reason="news")
    await queue.trading.resume("DU1", actor="risk")

    paused, resumed = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)

    assert (paused.kind, paused.event_id, paused.account_id) == (AuditKind.PAUSED, None, "DU1")
    assert paused.details_json == '{"scope":"DU1","actor":"ops","reason":"news"}'
    assert (resumed.kind, resumed.event_id, resumed.account_id) == (AuditKind.RESUMED, None, "DU1")
    assert resumed.details_json == '{"scope":"DU1","actor":"risk"}'


@pytest.mark.parametrize("scope", ["DU1", EVERY_ACCOUNT])
async def test_a_paused_account_sends_no_order(queue: RedisQueue, lease: Lease, scope: str) -> None:
    """An intent is refused before it is written, names the pause, and passes once trading is resumed."""
    event = await claim(queue, lease)
    pause = await queue.trading.pause(scope, actor="ops", reason="news")
    before = await kinds(queue)

    with pytest.raises(TradingPaused, match=r"DU1 since .* by ops: news") as raised:
        await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})
    refused = await kinds(queue)
    await queue.trading.resume(scope, actor="ops")
    await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})

    assert (raised.value.account_id, raised.value.pause) == ("DU1", pause)
    assert refused == before
    assert (await kinds(queue))[-1] is AuditKind.ORDER_INTENT


async def test_another_accounts_pause_stops_nobody_else(queue: RedisQueue, lease: Lease) -> None:
    """Only the account itself, or all together, are stopped."""
    event = await claim(queue, lease)
    await queue.trading.pause("DU2", actor="ops", reason="news")

    await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})

    assert (await kinds(queue))[-1] is AuditKind.ORDER_INTENT


async def test_what_was_traded_is_recorded_under_a_pause(queue: RedisQueue, lease: Lease) -> None:
    """An order that is out already still gets its fills and its result, and an intent its repetition."""
    event = await claim(queue, lease)
    await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})
    await queue.trading.pause("DU1", actor="ops", reason="news")

    for kind in (AuditKind.ORDER_INTENT, AuditKind.FILL, AuditKind.ORDER_RESULT):
        await queue.worker.record(lease, "0", event, kind, {"order_ref": "a"})

    assert (await kinds(queue))[-2:] == [AuditKind.FILL, AuditKind.ORDER_RESULT]
    assert (await kinds(queue)).count(AuditKind.ORDER_INTENT) == 1


async def test_a_parked_event_waits_unchanged(queue: RedisQueue, lease: Lease) -> None:
    """It is set aside without a due time, not counted as an attempt, and not claimable; parking again adds nothing."""
    event = await claim(queue, lease)
    await queue.trading.pause("DU1", actor="ops", reason="news")

    for _ in range(2):
        await queue.worker.park(lease, "0", event, reason="trading is paused")

    living = await queue.admin.get_event(event.event_id)
    assert living is not None
    assert (living.event, living.state, living.due_at, living.is_parked) == (event, EventState.DELAYED, None, True)
    assert await queue.worker.claim(lease, "0") is None
    assert (await kinds(queue)).count(AuditKind.PARKED) == 1
    status = await queue.admin.status()
    assert (status.delayed, status.events_with_retries) == (1, 0)


async def test_resuming_makes_parked_events_due_in_their_order(queue: RedisQueue, lease: Lease) -> None:
    """They run in the order in which they were parked, before what is paused for longer."""
    await queue.trading.pause(EVERY_ACCOUNT, actor="ops", reason="news")
    events = await park(queue, lease, "DU3", "DU1", "DU2")

    await queue.trading.resume(EVERY_ACCOUNT, actor="ops")

    assert [await queue.worker.claim(lease, slot) for slot in ("0", "1", "2")] == events
    assert await queue.client.execute_command("EXISTS", queue.keys.parked) == 0


async def test_an_event_stays_parked_while_any_pause_covers_it(queue: RedisQueue, lease: Lease) -> None:
    """Its own account's pause and that of all must both be lifted."""
    for scope in (EVERY_ACCOUNT, "DU1"):
        await queue.trading.pause(scope, actor="ops", reason="news")
    one, two = await park(queue, lease, "DU1", "DU2")

    await queue.trading.resume(EVERY_ACCOUNT, actor="ops")
    claimed = [await queue.worker.claim(lease, slot) for slot in ("0", "1")]
    await queue.trading.resume("DU1", actor="ops")

    assert claimed == [two, None]
    assert await queue.worker.claim(lease, "1") == one


async def test_resuming_wakes_the_worker(queue: RedisQueue, lease: Lease) -> None:
    """A worker that waits looks again at once."""
    await queue.trading.pause("DU1", actor="ops", reason="news")
    (event,) = await park(queue, lease, "DU1")
    assert await queue.worker.claim(lease, "0") is None

    async with asyncio.timeout(3):
        wait = asyncio.create_task(queue.worker.await_event(lease, "0", at_most=timedelta(seconds=5)))
        await queue.trading.resume("DU1", actor="ops")

        assert await wait == event


async def test_an_event_parked_too_late_is_due_at_once(queue: RedisQueue, lease: Lease) -> None:
    """Trading resumed between the worker's look and its parking: nobody would resume it again."""
    event = await claim(queue, lease)
    await queue.trading.pause("DU1", actor="ops", reason="news")
    await queue.trading.resume("DU1", actor="ops")

    await queue.worker.park(lease, "0", event, reason="trading is paused")

    assert await queue.worker.claim(lease, "0") == event


async def test_a_parked_event_can_be_removed(queue: RedisQueue, lease: Lease) -> None:
    """Nothing of it is left to be resumed."""
    await queue.trading.pause("DU1", actor="ops", reason="news")
    (event,) = await park(queue, lease, "DU1")

    outcome = await queue.admin.delete(event.event_id, actor="ops")
    await queue.trading.resume("DU1", actor="ops")

    assert outcome == Deleted(event)
    assert await queue.client.execute_command("EXISTS", queue.keys.parked, queue.keys.delayed) == 0


async def test_a_worker_that_starts_frees_what_no_pause_covers(queue: RedisQueue, lease: Lease) -> None:
    """A pause removed by hand leaves no event parked for ever; one in force keeps its own."""
    for scope in ("DU1", "DU2"):
        await queue.trading.pause(scope, actor="ops", reason="news")
    one, two = await park(queue, lease, "DU1", "DU2")
    await queue.client.execute_command("HDEL", queue.keys.paused, "DU1")

    await queue.worker.recover(lease, repeat_pause=HOUR)

    assert await queue.worker.claim(lease, "0") == one
    living = await queue.admin.get_event(two.event_id)
    assert living is not None
    assert living.is_parked


@pytest.mark.parametrize("key", ["paused", "last_traded"])
async def test_what_a_stranger_wrote_is_named(queue: RedisQueue, key: str) -> None:
    """Trading must not go on upon a guess."""
    await queue.client.execute_command("HSET", getattr(queue.keys, key), "DU1", "yes")

    with pytest.raises(CorruptQueue, match="unreadable"):
        await (queue.trading.read() if key == "paused" else queue.worker.last_traded("DU1"))
