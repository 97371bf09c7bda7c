"""An event that was put right after one loss meets another: its attempts are counted on, and none is begun twice."""

from datetime import timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import HistoryDiverged
from event_queue.events import RebalanceEvent
from event_queue.mend_plan import MendAction
from event_queue.mend_planner import MendPlan
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from event_queue.testing.lost_redis import Copy, carry, copy_of, go_back

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
EMPTY: Copy = {}


@pytest.fixture
def mender(redis_queue: RedisQueue, audit: PostgresAudit) -> Mender:
    """What puts the queue right."""
    return Mender(redis_queue.mending, audit.past)


async def claimed(queue: RedisQueue, holder: str) -> tuple[Lease, RebalanceEvent]:
    lease = await lead(queue.worker, holder, ttl=HOUR)
    event = await queue.worker.claim(lease, "0")
    assert event is not None
    return lease, event


async def lose_an_attempt_of_a_recovered_event(queue: RedisQueue, audit: PostgresAudit, mender: Mender) -> None:
    """One loss has passed; after the next, Redis knows nothing of an attempt that has sent an order, and moves on."""
    await queue.intake.enqueue(make_event("DU1"))
    await carry(queue, audit)
    await go_back(queue.client, EMPTY)
    await mender.mend()
    await carry(queue, audit)
    copy = await copy_of(queue.client)
    lease, event = await claimed(queue, "first")
    await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": f"{event.event_id}:1:SELL:AAA"})
    await carry(queue, audit)
    await go_back(queue.client, copy)
    lease, event = await claimed(queue, "second")
    await queue.worker.delay(lease, "0", event, until=None, reason="nothing is traded")
    await queue.worker.release_lease(lease)


def only_step(plan: MendPlan) -> tuple[MendAction, AuditKind, int]:
    [step] = plan.steps
    return step.action, step.kind, step.event.times_queued


async def test_an_attempt_that_redis_has_forgotten_is_counted(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """That the event came back from an earlier loss does not mean that it was put right after this one."""
    await lose_an_attempt_of_a_recovered_event(redis_queue, audit, mender)

    plan = await mender.mend()

    assert only_step(plan) == (MendAction.CORRECTED, AuditKind.RECOVERED, 2)
    await carry(redis_queue, audit)
    assert (await mender.compare()).verdict is Verdict.AGREES
    assert (await claimed(redis_queue, "third"))[1].times_queued == 2


async def test_it_is_counted_also_when_what_redis_did_since_has_reached_history_first(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Mending died once the records had their new numbers, and they were carried: they hide the forgotten attempt."""
    await lose_an_attempt_of_a_recovered_event(redis_queue, audit, mender)
    await mender.halt()
    plan = await mender.plan()
    with pytest.raises(HistoryDiverged):
        await carry(redis_queue, audit)
    position, seen = plan.comparison.position, plan.comparison.survey.counter
    assert await redis_queue.mending.renumber(seen, position, plan.loose.stream_ids, halt=plan.halt)
    await carry(redis_queue, audit)

    plan = await mender.mend()

    assert only_step(plan) == (MendAction.CORRECTED, AuditKind.RECOVERED, 2)


@pytest.mark.parametrize("carried", [False, True])
async def test_it_is_counted_once(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender, *, carried: bool
) -> None:
    """Mending died when the event was right already: whether history has heard of that or not."""
    await lose_an_attempt_of_a_recovered_event(redis_queue, audit, mender)
    await mender.halt()
    halt = await redis_queue.mending.halt_reason()
    await mender.mend()
    await redis_queue.mending.halt(halt, instead_of="")
    if carried:
        await carry(redis_queue, audit)

    plan = await mender.mend()

    assert plan.steps == ()
    assert (await claimed(redis_queue, "third"))[1].times_queued == 2
