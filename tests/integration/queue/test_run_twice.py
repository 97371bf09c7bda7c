"""Every script may run twice: same state, same answer. A lost reply is then repeated without harm."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from event_queue.audit import AuditKind
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import TradingPaused
from event_queue.outcomes import EVERY_ACCOUNT, Lease, LeaseHeld
from event_queue.redis_admin import RedisQueueAdmin
from event_queue.redis_components import RedisComponentBoard
from event_queue.redis_intake import RedisIntake
from event_queue.redis_outbox import RedisOutbox
from event_queue.redis_queue import RedisQueue
from event_queue.redis_switch import RedisTradingSwitch
from event_queue.redis_worker import RedisWorkerQueue
from event_queue.script_files import SCRIPT_NAMES, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.spill_marker import SpillMarker
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event

pytestmark = pytest.mark.integration

SWITCH_SCRIPTS: set[ScriptName] = {"pause", "resume", "park", "last_traded", "record_fill"}
SPILL_SCRIPTS: set[ScriptName] = {"spill", "unspill"}
MEND_SCRIPTS: set[ScriptName] = {"survey", "halt", "renumber", "restore", "reopen"}
"""Those of `test_mending_twice.py`."""
NOW = datetime(2025, 6, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)


class TwiceRunner(ScriptRunner):
    """Runs every script twice, and compares the answers and everything that Redis holds."""

    def __init__(self, client: Any, queue: RedisQueue) -> None:
        super().__init__(client, queue.keys, load_scripts())
        self.client = client
        self.ran: set[ScriptName] = set()

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        first = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        state = await dump_all(self.client)
        second = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        assert _without_clock(name, second) == _without_clock(name, first), name
        assert await dump_all(self.client) == state, name
        self.ran.add(name)
        return second


def _without_clock(name: ScriptName, reply: list[Any]) -> list[Any]:
    """The reply without what only tells how much time has passed."""
    if name == "status":
        return [*reply[:2], *reply[3:7]]
    return reply[:1] if reply and reply[0] in ("none", "held") else reply


async def test_every_script_may_run_twice(redis_queue: RedisQueue) -> None:
    """A story through every script and every branch of its answer, each step taken twice."""
    runner = TwiceRunner(redis_queue.client, redis_queue)
    intake, worker = RedisIntake(runner), RedisWorkerQueue(runner, redis_queue.client)
    admin, board = RedisQueueAdmin(runner, redis_queue.client), RedisComponentBoard(runner, redis_queue.client)
    first, second, third, follow_up = (make_event(name) for name in ("DU1", "DU2", "DU3", "DU1"))

    for event in (first, second, third):
        await intake.enqueue(event, message_id=f"m-{event.account_id}")
    await intake.enqueue(make_event("DU1"))
    await intake.enqueue(make_event("DU2"), message_id="m-DU2")
    lease = await worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)
    assert isinstance(await worker.acquire_lease("b", ttl=HOUR), LeaseHeld)
    await worker.renew_lease(lease)
    await worker.claim(lease, "0")
    await intake.enqueue(follow_up, message_id="newer", remember_while_in_flight=True)
    await worker.record(lease, "0", first, AuditKind.ORDER_INTENT, {"order_ref": "x"})
    await admin.list_events(10)
    await worker.complete(lease, "0", first, result={}, claim_next=True)
    await worker.requeue(lease, "0", second, pause=timedelta(), error="x", result={})
    await worker.claim(lease, "0")
    await worker.delay(lease, "0", third, until=NOW, reason="due at once")
    await worker.claim(lease, "0")
    heir = await worker.acquire_lease("b", ttl=HOUR, presumed_dead=lease.token)
    assert isinstance(heir, Lease)
    await worker.recover(heir, repeat_pause=HOUR)
    await worker.claim(heir, "0")
    await worker.skip(heir, "0", second.requeued(), result={}, claim_next=False)
    await admin.delete(third.event_id, actor="test")
    await admin.status()
    await board.report(ComponentReport("relay", ComponentState.OK, "", {}, NOW))
    await worker.claim(heir, "0")
    await worker.complete(heir, "0", follow_up.requeued(), result={}, claim_next=True)
    await worker.release_lease(heir)

    assert runner.ran == set(SCRIPT_NAMES) - SWITCH_SCRIPTS - SPILL_SCRIPTS - MEND_SCRIPTS
    assert (await redis_queue.admin.status()).active_events_count == 0


async def test_switching_trading_off_and_on_may_run_twice(redis_queue: RedisQueue) -> None:
    """A story through the scripts around a pause, and through what they answer under it, each step taken twice."""
    runner = TwiceRunner(redis_queue.client, redis_queue)
    worker, switch = RedisWorkerQueue(runner, redis_queue.client), RedisTradingSwitch(runner, redis_queue.client)
    event, other = make_event("DU1"), make_event("DU2")
    for queued in (event, other):
        await RedisIntake(runner).enqueue(queued)
    lease = await worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)

    for slot in ("0", "1"):
        await worker.claim(lease, slot)
    await worker.record(lease, "0", event, AuditKind.ORDER_RESULT, {"order_ref": "a"}, trading_day=NOW.date())
    await worker.record_fill(lease, event.event_id, "DU1", {"exec_id": "1"}, trading_day=NOW.date())
    await worker.record_fill(lease, uuid4(), "DU1", {"exec_id": "1"}, trading_day=NOW.date())
    await worker.last_traded("DU1")
    await worker.last_traded("DU2")
    await switch.pause("DU1", actor="ops", reason="first words")
    await switch.pause("DU1", actor="ops", reason="other words")
    await switch.pause(EVERY_ACCOUNT, actor="ops", reason="all")
    with pytest.raises(TradingPaused):
        await worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "x"})
    await worker.park(lease, "0", event, reason="paused")
    await switch.resume(EVERY_ACCOUNT, actor="ops")
    await worker.park(lease, "1", other, reason="paused when last looked at")
    await redis_queue.client.hdel(redis_queue.keys.paused, "DU1")
    await worker.recover(lease, repeat_pause=HOUR)
    await switch.resume("DU1", actor="ops")
    await switch.pause("DU1", actor="ops", reason="again")
    await switch.resume("DU1", actor="ops")

    assert runner.ran >= SWITCH_SCRIPTS
    assert (await redis_queue.admin.status()).delayed == 2


@pytest.mark.parametrize("pause", [timedelta(), HOUR])
async def test_a_paused_transition_may_run_twice(redis_queue: RedisQueue, pause: timedelta) -> None:
    """Requeue and the third recovery keep their one due time when repeated."""
    runner = TwiceRunner(redis_queue.client, redis_queue)
    worker = RedisWorkerQueue(runner, redis_queue.client)
    await RedisIntake(runner).enqueue(event := make_event())
    lease = await worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)

    for _ in range(3):
        assert await worker.claim(lease, "0") is not None
        await worker.recover(lease, repeat_pause=pause)

    living = await redis_queue.admin.get_event(event.event_id)
    assert living is not None
    assert (living.event.times_queued, living.due_at is None) == (4, not pause)


async def test_moving_records_to_a_file_may_run_twice(redis_queue: RedisQueue) -> None:
    """Taking out, adding to what was taken out, and forgetting it; a marker that has changed is not forgotten."""
    runner = TwiceRunner(redis_queue.client, redis_queue)
    outbox = RedisOutbox(runner, redis_queue.client, redis_queue.client)
    for number in range(5):
        await redis_queue.intake.enqueue(make_event(f"DU{number}"))
    records = await outbox.read("0-0", limit=10, block=timedelta(milliseconds=1))
    first, second = (
        SpillMarker("a1", 1, last, records[last - 1].stream_id, host="here", directory="/spill") for last in (2, 4)
    )

    await outbox.take_out(records[1].stream_id, first)
    await outbox.take_out(records[3].stream_id, second)
    await outbox.forget_spill(first)
    kept = await outbox.spills()
    await outbox.forget_spill(second)

    assert kept == [second]
    assert await outbox.spills() == []
    assert await outbox.length() == 1
    assert runner.ran == SPILL_SCRIPTS
