"""Signals wait until Redis has been compared with history, and are read again when it has lost some of its past."""

from datetime import UTC, datetime

import pytest

from event_broker.past_gate import GatedIntake, PastGate
from event_queue.arrival import Arrival
from event_queue.errors import QueueClosed
from event_queue.known_run import KnownRun
from event_queue.outcomes import Queued
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def test_nothing_is_taken_in_before_the_comparison(redis_queue: RedisQueue) -> None:
    """Whether one event or many: Redis is not even asked."""
    intake = GatedIntake(redis_queue.intake, PastGate(KnownRun()))

    with pytest.raises(QueueClosed, match="compared"):
        await intake.enqueue(make_event())
    [answer] = await intake.enqueue_all([Arrival(make_event())])

    assert isinstance(answer, QueueClosed)
    assert await redis_queue.outbox.length() == 0


async def test_a_redis_behind_the_one_that_was_compared_takes_nothing_in(redis_queue: RedisQueue) -> None:
    """It must have reached the record that history holds; who cannot ask history asks for none."""
    gate = PastGate(KnownRun())
    intake = GatedIntake(redis_queue.intake, gate)
    await redis_queue.intake.enqueue(first := make_event("DU1"))

    gate.open("", least=2)
    with pytest.raises(QueueClosed, match="lost"):
        await intake.enqueue(make_event("DU2"))
    gate.open("", least=1)
    reached = await intake.enqueue(second := make_event("DU2"))
    [third] = await intake.enqueue_all([Arrival(make_event("DU3"))])
    await redis_queue.client.flushall()
    gate.open("", least=0)
    with pytest.raises(QueueClosed):
        await intake.enqueue(first)
    gate.open("", least=None)

    assert await intake.enqueue(first) == Queued(first)
    assert reached == Queued(second)
    assert isinstance(third, Queued)


async def test_a_loss_is_told_once() -> None:
    """Not when it was never open, and not again while it stays closed."""
    gate, told = PastGate(KnownRun()), list[datetime | None]()
    gate.whenever_lost.append(told.append)

    gate.close("starting", told_until=None)
    gate.open("", least=3)
    await gate.opened()
    gate.close("emptied", told_until=NOW)
    gate.close("emptied", told_until=NOW)

    assert told == [NOW]
    assert not gate.is_open
