"""What comes in, what is refused, and what is remembered."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from event_queue.audit import AuditKind, AuditRecord
from event_queue.errors import PayloadRefused
from event_queue.events import Command, RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, Duplicate, Lease, Queued, Remembered
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

AT_ONCE = timedelta(milliseconds=1)


async def audit(queue: RedisQueue) -> list[AuditRecord]:
    return list(await queue.outbox.read("0-0", limit=1000, block=AT_ONCE))


async def test_a_new_event_is_queued_and_audited(queue: RedisQueue) -> None:
    """An event is accepted once, with one record that carries it whole."""
    event = make_event(data={"exec": "rebalance", "empty": [], "long": 12345678901234567890, "pi": 3.14})

    outcome = await queue.intake.enqueue(event)

    assert outcome == Queued(event)
    (record,) = await audit(queue)
    assert (record.counter, record.kind, record.event_id) == (1, AuditKind.QUEUED, event.event_id)
    assert RebalanceEvent.model_validate_json(record.event_json) == event


async def test_the_same_pair_is_refused_with_the_id_of_its_twin(queue: RedisQueue) -> None:
    """A second event for one account and command is a duplicate, and the refusal is on record."""
    first, second = make_event(), make_event()
    await queue.intake.enqueue(first)

    outcome = await queue.intake.enqueue(second)

    assert outcome == Duplicate(first.event_id)
    assert [record.kind for record in await audit(queue)] == [AuditKind.QUEUED, AuditKind.DUPLICATE]
    assert (await queue.admin.status()).queue_length == 1


async def test_other_commands_and_accounts_are_no_duplicates(queue: RedisQueue) -> None:
    """Only account and command together make a twin."""
    events = [make_event("DU1"), make_event("DU2"), make_event("DU1", Command.PRINT_EQUITY)]

    outcomes = [await queue.intake.enqueue(event) for event in events]

    assert outcomes == [Queued(event) for event in events]


async def test_fifty_at_once_leave_one_event(queue: RedisQueue) -> None:
    """Of fifty events racing for one pair, one is queued and the others name it."""
    events = [make_event() for _ in range(50)]

    outcomes = await asyncio.gather(*(queue.intake.enqueue(event) for event in events))

    (winner,) = [outcome.event for outcome in outcomes if isinstance(outcome, Queued)]
    twins = Counter(outcome.active_event_id for outcome in outcomes if isinstance(outcome, Duplicate))
    assert twins == {winner.event_id: 49}
    assert [record.counter for record in await audit(queue)] == list(range(1, 51))


async def test_repeating_an_enqueue_gives_its_first_answer(queue: RedisQueue) -> None:
    """The same event again is answered as before, even when it has ended meanwhile."""
    event, refused = make_event(), make_event()
    first = [await queue.intake.enqueue(event), await queue.intake.enqueue(refused)]
    await queue.admin.delete(event.event_id, actor="test")

    again = [await queue.intake.enqueue(event), await queue.intake.enqueue(refused)]

    assert again == first
    assert (await queue.admin.status()).active_events_count == 0


async def test_a_message_is_taken_in_once_per_account(queue: RedisQueue) -> None:
    """A message that comes again changes nothing; for another account it is new."""
    await queue.intake.enqueue(make_event("DU1"), message=InboundMessage("m", "1"))

    again = await queue.intake.enqueue(make_event("DU1"), message=InboundMessage("m", "1"))
    other = await queue.intake.enqueue(make_event("DU2"), message=InboundMessage("m", "1"))

    assert again == AlreadySeen("m:1")
    assert isinstance(other, Queued)
    assert len(await audit(queue)) == 2


async def test_a_signal_for_an_event_in_work_becomes_one_follow_up(queue: RedisQueue, lease: Lease) -> None:
    """Newer signals are remembered, the latest wins, and one event follows when the first ends."""
    working, older, newer = make_event(), make_event(data={"n": 1}), make_event(data={"n": 2})
    await queue.intake.enqueue(working)
    await queue.worker.claim(lease, "0")

    outcomes = [
        await queue.intake.enqueue(
            event, message=InboundMessage("c", str(event.event_id)), remember_while_in_flight=True
        )
        for event in (older, newer)
    ]
    follow_up = await queue.worker.complete(lease, "0", working, result={}, claim_next=True)
    nothing = await queue.worker.complete(lease, "0", newer, result={}, claim_next=True)

    assert outcomes == [Remembered(working.event_id)] * 2
    assert follow_up == newer
    assert nothing is None
    kinds = Counter(record.kind for record in await audit(queue))
    assert kinds[AuditKind.COALESCED] == 2
    assert kinds[AuditKind.QUEUED] == 2


async def test_a_signal_for_a_waiting_event_is_a_duplicate(queue: RedisQueue) -> None:
    """An event that has not started will see the newest state anyway, so nothing is remembered."""
    waiting = make_event()
    await queue.intake.enqueue(waiting)

    outcome = await queue.intake.enqueue(make_event(), message=InboundMessage("c", "m"), remember_while_in_flight=True)

    assert outcome == Duplicate(waiting.event_id)


async def test_a_source_that_does_not_ask_is_not_remembered(queue: RedisQueue, lease: Lease) -> None:
    """HTTP and file duplicates are refused even while their twin is in work."""
    working = make_event()
    await queue.intake.enqueue(working)
    await queue.worker.claim(lease, "0")

    outcome = await queue.intake.enqueue(make_event())

    assert outcome == Duplicate(working.event_id)
    assert await queue.worker.complete(lease, "0", working, result={}, claim_next=True) is None


async def test_a_dangling_active_key_heals(queue: RedisQueue) -> None:
    """An active key whose event is gone blocks nobody, and the healing is on record."""
    client = queue.client
    lost = make_event()
    await client.execute_command("HSET", queue.keys.active, lost.dedup_key, str(lost.event_id))

    outcome = await queue.intake.enqueue(event := make_event())

    assert outcome == Queued(event)
    (record,) = await audit(queue)
    assert str(lost.event_id) in record.details_json


async def test_a_payload_that_cannot_be_carried_is_refused_before_redis(queue: RedisQueue) -> None:
    """What PostgreSQL or JSON could not hold never enters."""
    with pytest.raises(PayloadRefused, match=r"data\.note"):
        await queue.intake.enqueue(make_event(data={"note": "a\x00b"}))

    assert await audit(queue) == []
