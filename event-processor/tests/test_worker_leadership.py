"""One worker at a time: standing by, taking over, losing the lease, stopping."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx

from broker_connector_base import Side
from broker_connector_base.testing import LeaveOpen, OrderScript
from event_processor.testing.scenario import ACCOUNT
from event_processor.testing.worker_world import WorkerWorld, answer_with
from event_queue.audit import AuditKind
from event_queue.outcomes import EventState, Lease, LeaseHeld

EXPECTED = {"AAA": 594, "BBB": 1485, "CCC": 316}


def _held(world: WorkerWorld) -> dict[str, int]:
    return {position.symbol: int(position.quantity) for position in world.brokerage.ledger(ACCOUNT).positions}


def _hang(world: WorkerWorld, symbol: str, side: Side) -> None:
    world.brokerage.scripts.add(OrderScript(LeaveOpen(), symbol, side))


async def _seize_lease(world: WorkerWorld) -> None:
    """Another worker takes the lease, as after a long suspension of this one."""
    client: Any = world.queue.client
    await client.set(world.queue.keys.lease, "elsewhere:7:1.00:99")


async def _until_orders_are_sent(world: WorkerWorld, count: int) -> None:
    for _ in range(count):
        await world.next_record(AuditKind.ORDER_INTENT)
    await world.brokerage.changes.wait_until(lambda: len(world.brokerage.orders) >= count, timeout_seconds=5)


async def test_a_dead_worker_of_this_host_is_succeeded_at_once(world: WorkerWorld) -> None:
    """Case 23: its event goes to the back, counted once more, and is carried out from what the account now is."""
    _hang(world, "CCC", Side.BUY)
    event = await world.enqueue()
    async with world.running(started_at=1.0) as first_life:
        await _until_orders_are_sent(world, 3)
        first_life.cancel()
        await asyncio.wait({first_life})

    async with world.running(started_at=2.0):
        recovered = await world.next_record(AuditKind.RECOVERED)
        done = await world.next_record(AuditKind.COMPLETED)

    assert recovered.event_id == done.event_id == event.event_id
    assert json.loads(done.event_json)["times_queued"] == 2
    assert _held(world) == EXPECTED
    assert sum(order.request.side is Side.SELL for order in world.brokerage.orders) == 2


async def test_a_lease_of_another_host_is_waited_for(world: WorkerWorld) -> None:
    """Nobody here can tell whether that worker lives; when it gives the lease up, the standby goes on."""
    elsewhere = await world.queue.worker.acquire_lease("elsewhere:7:1.00", ttl=timedelta(seconds=60))
    assert isinstance(elsewhere, Lease)
    await world.enqueue()

    async with world.running():
        while not world.clock.paused_for:
            await world.brokerage.changes.wait_until(lambda: bool(world.clock.paused_for), timeout_seconds=0.01)
        assert world.brokerage.orders == ()
        await world.queue.worker.release_lease(elsewhere)
        world.clock.advance(5)
        await world.next_record(AuditKind.COMPLETED)

    assert _held(world) == EXPECTED


async def test_a_standby_leaves_the_gateway_alone(world: WorkerWorld) -> None:
    """Both would connect under one client id, and throw each other out."""
    await world.queue.worker.acquire_lease("elsewhere:7:1.00", ttl=timedelta(seconds=60))

    async with world.running():
        await world.brokerage.changes.wait_until(lambda: bool(world.clock.paused_for), timeout_seconds=0.2)

    assert list(world.brokerage.journal) == [*_disconnects(world)]


def _disconnects(world: WorkerWorld) -> list[Any]:
    return [call for call in world.brokerage.journal if call.name == "disconnect"]


async def test_losing_the_lease_stops_everything(world: WorkerWorld) -> None:
    """No order, no cancellation and no record follows; the event stays for the next holder to recover."""
    _hang(world, "AAA", Side.SELL)
    event = await world.enqueue()
    async with world.running():
        await _until_orders_are_sent(world, 2)
        await world.next_record(AuditKind.ORDER_RESULT)
        await _seize_lease(world)
        records = len(await world.all_kinds())

        world.clock.advance(world.processing.lease_seconds / 3)
        await world.brokerage.changes.wait_until(
            lambda: "disconnect" in {call.name for call in world.brokerage.journal}, timeout_seconds=5
        )

        assert len(world.brokerage.orders) == 2
        assert world.brokerage.journal.subjects("cancel_order") == ()
        assert len(await world.all_kinds()) == records
        assert (await world.living(event)).state is EventState.PROCESSING


async def test_stopping_before_the_first_order_returns_the_event_unchanged(world: WorkerWorld) -> None:
    """Nothing was sent, so the attempt does not count."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        asked.set()
        await may_answer.wait()
        return await answer_with({"AAA": 1})(request)

    world.answer = slow
    event = await world.enqueue()
    async with world.running() as worker:
        await asked.wait()
        world.stop.set()
        may_answer.set()
        await worker

    assert (await world.living(event)).event == event
    assert world.brokerage.orders == ()
    assert await _lease_is_free(world)


async def test_stopping_between_sells_and_buys_leaves_the_buys_to_the_next_start(world: WorkerWorld) -> None:
    """Orders in flight are followed to their ends, none is added; the next start reaches the same positions."""
    _hang(world, "AAA", Side.SELL)
    event = await world.enqueue()
    async with world.running() as worker:
        await _until_orders_are_sent(world, 2)
        world.stop.set()
        await worker
    assert len(world.brokerage.orders) == 2
    assert (await world.living(event)).event == event.requeued()
    assert await _lease_is_free(world)

    async with world.running(started_at=2.0):
        await world.next_record(AuditKind.COMPLETED)

    assert _held(world) == EXPECTED
    assert len({order.request.order_ref for order in world.brokerage.orders}) == len(world.brokerage.orders)


async def test_an_attempt_that_is_stopped_before_its_buys_counts(world: WorkerWorld) -> None:
    """Its sells have filled in time: the next start takes other references, whatever the brokerage still knows."""
    _hang(world, "AAA", Side.SELL)
    event = await world.enqueue()
    world.processing = world.processing.model_copy(update={"shutdown_grace_seconds": 5})
    async with world.running() as worker:
        await _until_orders_are_sent(world, 2)
        world.stop.set()
        for order in world.brokerage.orders:
            order.behaviour = None
        world.brokerage.match_orders()
        await worker

    assert len(world.brokerage.orders) == 2
    assert (await world.living(event)).event == event.requeued()


async def test_stopping_lets_an_attempt_end_within_its_grace(world: WorkerWorld) -> None:
    """A buy that fills during the grace period completes the event."""
    _hang(world, "CCC", Side.BUY)
    await world.enqueue()
    world.processing = world.processing.model_copy(update={"shutdown_grace_seconds": 5})
    async with world.running() as worker:
        await _until_orders_are_sent(world, 3)
        world.stop.set()
        world.brokerage.orders[-1].behaviour = None
        world.brokerage.match_orders()
        await worker
        done = await world.next_record(AuditKind.COMPLETED)

    assert json.loads(done.details_json)["result"]["status"] == "success"
    assert await _lease_is_free(world)


async def test_a_stopped_worker_claims_nothing_more(world: WorkerWorld) -> None:
    """The line waits for the next start."""
    first = await world.enqueue()
    async with world.running() as worker:
        await world.next_record(AuditKind.COMPLETED)
        world.stop.set()
        await worker
        second = await world.enqueue()

    assert (await world.living(second)).state is EventState.WAITING
    assert await world.queue.admin.get_event(first.event_id) is None


async def _lease_is_free(world: WorkerWorld) -> bool:
    outcome = await world.queue.worker.acquire_lease("probe:1:1.00", ttl=timedelta(seconds=1))
    if isinstance(outcome, LeaseHeld):
        return False
    await world.queue.worker.release_lease(outcome)
    return True


async def test_an_attempt_that_redis_forgot_is_counted_before_it_is_made_again(world: WorkerWorld) -> None:
    """F8: an event comes back at an attempt that has ended; nothing is sent under its orderRefs a second time."""
    event = await world.enqueue()
    client: Any = world.queue.client
    async with world.running():
        await world.next_record(AuditKind.COMPLETED)
        sent = len(world.brokerage.orders)
        await client.delete(world.queue.keys.receipt(f"event:{event.event_id}"))
        await world.queue.intake.enqueue(event)
        recovered = await world.next_record(AuditKind.RECOVERED)
        done = await world.next_record(AuditKind.COMPLETED)

    assert recovered.event_id == done.event_id == event.event_id
    assert json.loads(done.event_json)["times_queued"] == 2
    assert len(world.brokerage.orders) == sent > 0
