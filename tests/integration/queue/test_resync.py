"""Random pasts: whatever Redis lost and however far history was told, both agree again afterwards (F17, F18)."""

import random
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from typing import Any, cast

import asyncpg
import pytest

from event_queue.audit import AuditKind, EventStatus
from event_queue.events import Command, RebalanceEvent
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.invariants import check_with_history
from event_queue.testing.leading import lead
from event_queue.testing.lost_redis import Copy, carry, copy_of, go_back, history_of
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
ACCOUNTS = ("DU1", "DU2", "DU3", "DU4", "DU5")
COMMANDS = (Command.REBALANCE, Command.PRINT_EQUITY)
SLOTS = ("0", "1", "2")
CLOCK = SystemClock()
TRADE = {"order_ref": "x", "symbol": "AAA", "side": "BUY", "quantity": "10"}
INTENT = {**TRADE, "order_type": "MKT", "limit_price": None, "time_in_force": "DAY", "reason": None}
FILL = {**TRADE, "exec_id": "e1", "price": "1.50", "commission": None, "executed_at": CLOCK.now().isoformat()}


class Past:
    """A worker, clients and operators who do what chance tells them."""

    def __init__(self, queue: RedisQueue, seed: int) -> None:
        self.queue = queue
        self.chance = random.Random(seed)  # noqa: S311 - a test's choices, no secret
        self.hands: dict[str, RebalanceEvent] = {}
        self.lease: Lease | None = None
        self.holders = 0

    async def live(self, steps: int) -> None:
        """So many things happen."""
        for _ in range(steps):
            await self.chance.choice(self.deeds())()

    def deeds(self) -> Sequence[Callable[[], Coroutine[Any, Any, None]]]:
        """What may happen next, the likelier the more often."""
        seldom = [self.delete, self.pause, self.resume, self.crash]
        return [self.enqueue] * 4 + [self.claim] * 3 + [self.end] * 3 + seldom

    async def enqueue(self) -> None:
        event = make_event(self.chance.choice(ACCOUNTS), self.chance.choice(COMMANDS), created_at=CLOCK.now())
        remembers = self.chance.random() < 0.5
        await self.queue.intake.enqueue(event, remember_while_in_flight=remembers)

    async def claim(self) -> None:
        slot = self.chance.choice(SLOTS)
        event = await self.queue.worker.claim(await self.holding(), slot)
        if event is not None:
            self.hands[slot] = event

    async def end(self) -> None:
        if not self.hands:
            return
        slot = self.chance.choice(sorted(self.hands))
        event, worker, lease = self.hands.pop(slot), self.queue.worker, await self.holding()
        match self.chance.randrange(6):
            case 0 | 1:
                await worker.complete(lease, slot, event, result={"status": "ok"}, claim_next=False)
            case 2:
                await worker.requeue(lease, slot, event, pause=timedelta(), error="x", result={})
            case 3:
                await worker.requeue(lease, slot, event, pause=HOUR, error="x", result={})
            case 4:
                await worker.delay(lease, slot, event, until=CLOCK.now() + HOUR, reason="closed")
            case _:
                await worker.park(lease, slot, event, reason="paused")

    async def delete(self) -> None:
        living = await self.queue.admin.list_events(100)
        if living:
            await self.queue.admin.delete(self.chance.choice(living).event.event_id, actor="ops")

    async def pause(self) -> None:
        await self.queue.trading.pause(self.chance.choice((*ACCOUNTS, "*")), actor="ops", reason="news")

    async def resume(self) -> None:
        await self.queue.trading.resume(self.chance.choice((*ACCOUNTS, "*")), actor="ops")

    async def crash(self) -> None:
        """The worker dies; the next one takes over."""
        before, self.hands = await self.holding(), {}
        self.holders += 1
        self.lease = await lead(self.queue.worker, f"w{self.holders}", ttl=HOUR, presumed_dead=before.token)

    async def holding(self) -> Lease:
        if self.lease is None:
            self.lease = await lead(self.queue.worker, "w0", ttl=HOUR)
        return self.lease


async def run_sql(dsn: str, sql: str) -> None:
    connection: Any = await cast("Any", asyncpg).connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def unfinished(audit: PostgresAudit) -> dict[Any, EventStatus]:
    return {known.event.event_id: known.status for known in await audit.past.unfinished()}


@pytest.mark.parametrize("seed", range(12))
async def test_f18_a_wiped_redis_comes_back_as_history_knows_it(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, seed: int
) -> None:
    """F18: told wholly or in part, every unfinished event is back once, and the fold of history is the state."""
    past = Past(redis_queue, seed)
    await past.live(30)
    await carry(redis_queue, audit)
    await past.live(past.chance.randrange(30))
    await carry(redis_queue, audit, at_most=past.chance.randrange(20))
    known = await unfinished(audit)
    mender = Mender(redis_queue.mending, audit.past)

    await go_back(redis_queue.client, {})
    plan = await mender.mend()

    assert plan.comparison.verdict is Verdict.REDIS_LOST
    assert set(await redis_queue.mending.present()) == set(known)
    await carry(redis_queue, audit)
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))
    assert (await mender.compare()).verdict is Verdict.AGREES


@pytest.mark.parametrize("seed", range(100, 116))
async def test_f17_a_redis_that_went_back_follows_history_again(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, seed: int
) -> None:
    """F17: with changes made since or without, what ended stays ended, nothing is lost, and trading goes on."""
    past = Past(redis_queue, seed)
    await past.live(25)
    old: Copy = await copy_of(redis_queue.client)
    await carry(redis_queue, audit)
    position = await audit.past.position()
    while (await audit.past.position()) == position:
        await past.live(past.chance.randrange(1, 25))
        await carry(redis_queue, audit, at_most=past.chance.randrange(1, 30))
    told = await unfinished(audit)
    mender = Mender(redis_queue.mending, audit.past)

    await go_back(redis_queue.client, old)
    for _ in range(past.chance.randrange(4)):
        await past.enqueue()
    assert (await mender.compare()).verdict is Verdict.REDIS_WENT_BACK
    await mender.halt()
    for _ in range(past.chance.randrange(4)):
        await past.enqueue()
    await mender.mend()

    await carry(redis_queue, audit)
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))
    assert (await mender.compare()).verdict is Verdict.AGREES
    present = set(await redis_queue.mending.present())
    superseded = await audit.past.events(list(set(told) - present))
    assert {known.status for known in superseded} <= {EventStatus.DELETED}
    assert set(await unfinished(audit)) == present
    assert await redis_queue.mending.halt_reason() == ""


async def test_a_fill_told_during_the_halt_does_not_pass_for_its_lost_event(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Redis lacks the event and remembers that it sent orders: the fill is kept, and the event comes back."""
    old: Copy = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(event := make_event("DU1"))
    lease = await redis_queue.worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, INTENT)
    await carry(redis_queue, audit)
    mender = Mender(redis_queue.mending, audit.past)

    await go_back(redis_queue.client, old)
    await redis_queue.intake.enqueue(make_event("DU2"))
    await mender.halt()
    await mender.remember()
    heir = await redis_queue.worker.acquire_lease("b", ttl=HOUR)
    assert isinstance(heir, Lease)
    is_known = await redis_queue.worker.record_fill(heir, event.event_id, "DU1", FILL, trading_day=CLOCK.now().date())
    await mender.mend()

    assert is_known
    assert event.event_id in await redis_queue.mending.present()


async def test_a_history_that_was_emptied_learns_what_the_queue_holds(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str
) -> None:
    """PostgreSQL comes back without its last records: the gap is accepted, and each living event is known again."""
    past = Past(redis_queue, 7)
    await past.live(40)
    await carry(redis_queue, audit)
    await redis_queue.intake.enqueue(make_event("late"))
    await carry(redis_queue, audit)
    mender = Mender(redis_queue.mending, audit.past)
    await run_sql(
        postgres_dsn,
        "TRUNCATE event_history, rebalance_events, trading_pauses;"
        "UPDATE audit_cursor SET counter = 0, stream_id = '0-0'",
    )
    assert (await mender.compare()).verdict is Verdict.HISTORY_LOST

    await mender.mend()
    await carry(redis_queue, audit)

    assert set(await unfinished(audit)) == set(await redis_queue.mending.present())
    assert (await mender.compare()).verdict is Verdict.AGREES
