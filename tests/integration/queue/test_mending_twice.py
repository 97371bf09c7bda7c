"""Mending may die at any step and be done again, and each of its scripts may run twice."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from event_queue.errors import HistoryDiverged, QueueUnavailable
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_mending import RedisMending
from event_queue.redis_queue import RedisQueue
from event_queue.script_files import ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event
from event_queue.testing.invariants import check_with_history
from event_queue.testing.lost_redis import Copy, carry, copy_of, go_back, history_of
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
CLOCK = SystemClock()


class MortalRunner(ScriptRunner):
    """Dies around the script of one number: before it, or after it has done its work."""

    def __init__(self, queue: RedisQueue, *, dies_at: int, is_done: bool) -> None:
        super().__init__(queue.client, queue.keys, load_scripts())
        self.left = dies_at
        self.is_done = is_done

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        self.left -= 1
        if self.left == 0 and not self.is_done:
            raise QueueUnavailable("died before the script")
        reply = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        if self.left == 0:
            raise QueueUnavailable("died after the script")
        return reply


class TwiceRunner(ScriptRunner):
    """Runs every script twice, and compares the answers and everything that Redis holds."""

    def __init__(self, queue: RedisQueue) -> None:
        super().__init__(queue.client, queue.keys, load_scripts())
        self.client = queue.client
        self.ran: set[ScriptName] = set()

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        first = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        state = await dump_all(self.client)
        second = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        assert second == first, name
        assert await dump_all(self.client) == state, name
        self.ran.add(name)
        return second


async def past_with_everything(queue: RedisQueue, audit: PostgresAudit) -> Copy:
    """Events that end, wait, are paused, parked, in work and twins of later ones; the copy is of the middle of it."""
    events = [make_event(f"DU{number}") for number in range(6)]
    for event in events:
        await queue.intake.enqueue(event)
    lease = await queue.worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)
    await queue.worker.claim(lease, "0")
    await carry(queue, audit)
    copy = await copy_of(queue.client)
    await queue.worker.complete(lease, "0", events[0], result={}, claim_next=True)
    await queue.worker.requeue(lease, "0", events[1], pause=HOUR, error="x", result={})
    await queue.trading.pause("DU2", actor="ops", reason="news")
    await queue.worker.claim(lease, "0")
    await queue.worker.park(lease, "0", events[2], reason="news")
    await queue.worker.claim(lease, "0")
    await queue.intake.enqueue(make_event("DU3", data={"newer": True}), remember_while_in_flight=True)
    await queue.intake.enqueue(make_event("twin"))
    await carry(queue, audit)
    return copy


async def _harm(queue: RedisQueue, damage: str, copy: Copy) -> None:
    """Redis loses everything, the latest of its past, or where its waiting events are."""
    if damage == "lost a key":
        await queue.client.delete(queue.keys.queue)
        return
    await go_back(queue.client, {} if damage == "emptied" else copy)
    if damage == "went back":
        await queue.intake.enqueue(make_event("twin"))


@pytest.mark.parametrize("damage", ["emptied", "went back", "lost a key"])
@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
async def test_mending_may_die_at_any_step(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, *, is_done: bool, damage: str
) -> None:
    """However often it dies, the next try ends in one and the same state, which history folds to."""
    copy = await past_with_everything(redis_queue, audit)
    told = {known.event.event_id: known for known in await audit.past.unfinished()}
    await _harm(redis_queue, damage, copy)
    dies_at, deaths = 0, 0
    while True:
        dies_at += 1
        runner = MortalRunner(redis_queue, dies_at=dies_at, is_done=is_done)
        try:
            await Mender(RedisMending(runner, redis_queue.client), audit.past).mend()
        except QueueUnavailable:
            deaths += 1
            assert await redis_queue.mending.halt_reason() or runner.left <= 0
        if runner.left > 0:
            break
        if deaths % 2 or damage == "lost a key":
            with suppress(HistoryDiverged):
                await carry(redis_queue, audit)

    await carry(redis_queue, audit)
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))
    comparison = await Mender(redis_queue.mending, audit.past).compare()
    assert (comparison.verdict, comparison.survey.halt) == (Verdict.AGREES, "")
    assert deaths > 2
    present = await redis_queue.mending.present()
    living = {event_id: held.event.times_queued for event_id, held in present.items()}
    for event_id, known in told.items():
        if event_id in living:
            assert living[event_id] == known.event.times_queued + known.was_in_hand
    assert len(living) == len(told)


async def test_every_script_of_mending_may_run_twice(redis_queue: RedisQueue, audit: PostgresAudit) -> None:
    """Both losses, with every kind of step, each script taken twice."""
    copy = await past_with_everything(redis_queue, audit)
    runner = TwiceRunner(redis_queue)
    mender = Mender(RedisMending(runner, redis_queue.client), audit.past)

    copies: list[Copy] = [copy, {}]
    for lost in copies:
        await go_back(redis_queue.client, lost)
        await redis_queue.intake.enqueue(make_event("twin"))
        await mender.mend()
        await carry(redis_queue, audit)
        assert (await mender.compare()).verdict is Verdict.AGREES

    assert runner.ran == {"survey", "halt", "renumber", "restore", "reopen"}


@pytest.mark.parametrize("earlier", ["emptied", "went back"])
async def test_a_copy_from_amid_an_earlier_mending_follows_what_history_has_learnt_since(
    redis_queue: RedisQueue, audit: PostgresAudit, postgres_dsn: str, *, earlier: str
) -> None:
    """The halt that it brings along tells of the earlier loss alone: what happened since then is not overlooked."""
    mender = Mender(redis_queue.mending, audit.past)
    old = await past_with_everything(redis_queue, audit)
    await go_back(redis_queue.client, {} if earlier == "emptied" else old)
    await mender.halt()
    amid = await copy_of(redis_queue.client)
    stale = await redis_queue.mending.halt_reason()
    await mender.mend()
    await redis_queue.trading.resume("DU2", actor="ops")
    lease = await redis_queue.worker.acquire_lease("b", ttl=HOUR, presumed_dead="a:1")
    assert isinstance(lease, Lease)
    ended = await redis_queue.worker.claim(lease, "0")
    assert ended is not None
    await redis_queue.worker.complete(lease, "0", ended, result={}, claim_next=False)
    await redis_queue.worker.claim(lease, "1")
    await redis_queue.intake.enqueue(make_event("since"))
    await carry(redis_queue, audit)
    told = {known.event.event_id: known for known in await audit.past.unfinished()}

    await go_back(redis_queue.client, amid)
    await mender.halt()
    joined = await redis_queue.mending.halt_reason()
    await mender.mend()

    assert joined != stale
    assert await redis_queue.trading.read() == {}
    present = await redis_queue.mending.present()
    assert set(present) == set(told)
    assert all(present[name].event.times_queued >= known.event.times_queued for name, known in told.items())
    await carry(redis_queue, audit)
    await check_with_history(redis_queue.client, redis_queue.keys, await history_of(postgres_dsn))
    assert (await mender.compare()).verdict is Verdict.AGREES
