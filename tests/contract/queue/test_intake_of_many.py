"""Many events offered together: each is taken in, or not, for itself and in its turn."""

from datetime import timedelta

from event_queue.arrival import Arrival
from event_queue.audit import AuditKind
from event_queue.errors import PayloadRefused, QueueClosed
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, Duplicate, Lease, Queued, Remembered
from event_queue.redis_queue import RedisQueue
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event

MANY = 120
"""More than go in one round trip, and no multiple of that."""
AT_ONCE = timedelta(milliseconds=1)


async def kinds(queue: RedisQueue) -> list[AuditKind]:
    return [record.kind for record in await queue.outbox.read("0-0", limit=1000, block=AT_ONCE)]


async def test_all_are_queued_in_their_order(queue: RedisQueue) -> None:
    """Whoever is offered first is first in line and in the audit, over several round trips too."""
    events = [make_event(f"DU{number}") for number in range(MANY)]

    answers = await queue.intake.enqueue_all([Arrival(event) for event in events])

    assert answers == [Queued(event) for event in events]
    assert [living.event for living in await queue.admin.list_events(MANY)] == events
    records = await queue.outbox.read("0-0", limit=1000, block=AT_ONCE)
    assert [record.event_id for record in records] == [event.event_id for event in events]


async def test_nothing_offered_is_nothing_answered(queue: RedisQueue) -> None:
    """No event, no answer."""
    assert await queue.intake.enqueue_all([]) == []


async def test_twins_in_one_batch_are_told_apart(queue: RedisQueue) -> None:
    """Of two events for one account and command the first is queued; the second is told of it."""
    first, second = make_event(), make_event()

    answers = await queue.intake.enqueue_all([Arrival(first), Arrival(second), Arrival(make_event("DU2"))])

    assert answers[:2] == [Queued(first), Duplicate(first.event_id)]
    assert await kinds(queue) == [AuditKind.QUEUED, AuditKind.DUPLICATE, AuditKind.QUEUED]


async def test_a_message_twice_in_one_batch_is_taken_in_once(queue: RedisQueue) -> None:
    """A message that a batch holds twice for an account is recognised, and taken in for other accounts."""
    message = InboundMessage("signals", "m1")
    events = [make_event("DU1"), make_event("DU1"), make_event("DU2")]

    answers = await queue.intake.enqueue_all([Arrival(event, message) for event in events])

    assert answers == [Queued(events[0]), AlreadySeen("signals:m1"), Queued(events[2])]


async def test_a_batch_may_be_offered_again(queue: RedisQueue) -> None:
    """The same batch gets the same answers, and nothing changes: so it may be repeated when no answer came."""
    arrivals = [Arrival(make_event(f"DU{number % 90}")) for number in range(MANY)]
    first = await queue.intake.enqueue_all(arrivals)
    before = await dump_all(queue.client)

    again = await queue.intake.enqueue_all(arrivals)

    assert again == first
    assert await dump_all(queue.client) == before


async def test_one_refused_payload_keeps_nobody_out(queue: RedisQueue) -> None:
    """An event that cannot be stored is refused in its place; those before and behind it are queued."""
    good, bad, other = make_event("DU1"), make_event("DU2", data={"note": "\x00"}), make_event("DU3")

    answers = await queue.intake.enqueue_all([Arrival(good), Arrival(bad), Arrival(other)])

    assert answers[0] == Queued(good)
    assert isinstance(answers[1], PayloadRefused)
    assert answers[2] == Queued(other)
    assert (await queue.admin.status()).queue_length == 2


async def test_a_batch_of_refused_payloads_is_answered(queue: RedisQueue) -> None:
    """Where nothing is left to be sent, nothing is waited for."""
    bad = make_event("DU1", data={"note": "\x00"})

    answers = await queue.intake.enqueue_all([Arrival(bad), Arrival(bad)])

    assert [type(answer) for answer in answers] == [PayloadRefused, PayloadRefused]


async def test_signals_of_a_batch_are_remembered_for_what_is_in_work(queue: RedisQueue, lease: Lease) -> None:
    """What holds for one signal holds among many: one follows the event in work, one is queued."""
    working, newer, other = make_event("DU1"), make_event("DU1"), make_event("DU2")
    await queue.intake.enqueue(working)
    await queue.worker.claim(lease, "0")

    answers = await queue.intake.enqueue_all(
        [Arrival(event, remember_while_in_flight=True) for event in (newer, other)]
    )

    assert answers == [Remembered(working.event_id), Queued(other)]


async def test_an_emptied_redis_takes_none_of_them(queue: RedisQueue) -> None:
    """While Redis lacks the past it must have, each is told so and nothing is written."""
    answers = await queue.intake.enqueue_all([Arrival(make_event(f"DU{number}")) for number in range(3)], least=1)

    assert [type(answer) for answer in answers] == [QueueClosed] * 3
    assert await kinds(queue) == []


async def test_a_redis_that_forgot_its_scripts_is_taught_again(queue: RedisQueue) -> None:
    """A batch brings its script along."""
    await queue.intake.enqueue(make_event("DU1"))
    await queue.client.script_flush()
    events = [make_event("DU2"), make_event("DU3")]

    answers = await queue.intake.enqueue_all([Arrival(event) for event in events])

    assert answers == [Queued(event) for event in events]
