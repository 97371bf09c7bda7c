"""What an attempt writes down, against the queries that read it."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any, cast

import pytest

from broker_connector_base import (
    Fill,
    MarginEffect,
    OrderRequest,
    OrderResult,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from event_processor.audit_trail import AuditTrail, intent_details, result_details, unconfirmed_details, unsent_details
from event_processor.fill_recorder import FillRecorder, fill_details
from event_processor.hand import Hand
from event_processor.lease_guard import LeaseGuard
from event_processor.patient_writes import PatientWrites
from event_processor.testing.scenario import ACCOUNT, EVENT_ID
from event_processor.testing.worker_world import WorkerWorld
from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost, QueueHalted, TradingPaused
from event_queue.outcomes import LastTrade, Lease
from event_queue.testing.events import make_event

REQUEST = OrderRequest(
    account_id="DU1",
    symbol="AAA",
    side=Side.SELL,
    quantity=406,
    order_type=OrderType.LIMIT,
    time_in_force=TimeInForce.DAY,
    order_ref=f"{EVENT_ID}:1:SELL:AAA",
    limit_price=Decimal("49.75"),
)


@dataclass
class WaitingWrites:
    """Writes the first thing late, as one that Redis did not answer."""

    patiently: PatientWrites
    is_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, write: Callable[[], Awaitable[bool]]) -> bool:
        if not self.is_waiting.is_set():
            self.is_waiting.set()
            await self.is_over.wait()
        return await self.patiently(write)


def _fill(number: int, quantity: str, price: str, *, at: WorkerWorld) -> Fill:
    return Fill(
        exec_id=f"e.{number}.01",
        order_ref=REQUEST.order_ref,
        account_id="DU1",
        symbol="AAA",
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal("1.05"),
        executed_at=at.clock.now(),
    )


def _result(world: WorkerWorld) -> OrderResult:
    fills = (_fill(1, "100", "50", at=world), _fill(2, "300", "50.1", at=world))
    return OrderResult(order_id="7", request=REQUEST, status=OrderStatus.CANCELLED, fills=fills, message="202: done")


def _read_by(query: str) -> set[str]:
    """The keys that a query of the audit takes out of a record's details."""
    text = (resources.files("event_queue") / "sql" / query).read_text(encoding="utf-8")
    return set(re.findall(r"details ->> '(\w+)'", text))


def test_an_intent_has_what_the_orders_table_wants() -> None:
    """Numbers are text, digit by digit."""
    details = intent_details(REQUEST, "target 30 %")

    assert _read_by("upsert_order_intents.sql") <= details.keys()
    assert (details["limit_price"], details["quantity"], details["reason"]) == ("49.75", 406, "target 30 %")


def test_a_result_has_what_the_orders_table_wants(world: WorkerWorld) -> None:
    """The reason stands with the intent already; everything else is told."""
    details = result_details(_result(world))

    assert _read_by("upsert_order_results.sql") - {"reason"} <= details.keys()
    assert (details["filled_quantity"], details["average_price"], details["commission"]) == ("400", "50.075", "2.10")


def test_an_order_that_never_left_has_what_the_orders_table_wants() -> None:
    """With a status of its own, and why."""
    details = unsent_details(REQUEST, "shutting down")

    assert _read_by("upsert_order_results.sql") - {"reason"} <= details.keys()
    assert (details["status"], details["filled_quantity"], details["message"]) == ("NOT_SENT", "0", "shutting down")


def test_an_order_lost_sight_of_has_what_the_orders_table_wants() -> None:
    """It says nothing about quantities, which others know better."""
    details = unconfirmed_details(REQUEST, "the connection broke")

    assert _read_by("upsert_order_results.sql") - {"reason"} <= details.keys()
    assert (details["status"], details["filled_quantity"], details["message"]) == (
        "UNCONFIRMED",
        None,
        "the connection broke",
    )


def test_a_fill_has_what_the_fills_table_wants(world: WorkerWorld) -> None:
    """Each execution under the brokerage's own id."""
    details = fill_details(_fill(1, "100", "50", at=world))

    assert _read_by("upsert_fills.sql") <= details.keys()
    assert (details["exec_id"], details["price"]) == ("e.1.01", "50")


@pytest.fixture
async def fills(world: WorkerWorld) -> FillRecorder:
    """Writes executions under a lease that lasts."""
    lease = await world.queue.worker.acquire_lease("host:1:1.00", ttl=timedelta(seconds=10))
    assert isinstance(lease, Lease)
    guard = LeaseGuard(world.stop)
    guard.extend(asyncio.get_running_loop().time(), 10)
    return FillRecorder(world.queue.worker, lease, PatientWrites(world.clock, guard))


@pytest.fixture
async def trail(world: WorkerWorld, fills: FillRecorder) -> AuditTrail:
    """The trail of an event in hand."""
    event = make_event(ACCOUNT).model_copy(update={"event_id": EVENT_ID})
    await world.queue.intake.enqueue(event)
    await world.queue.worker.claim(fills.lease, "0")
    hand = Hand(
        slot="0",
        queue=world.queue.worker,
        lease=fills.lease,
        patiently=fills.patiently,
        fills=fills,
        clock=world.clock,
        settings=world.processing,
        stop=world.stop,
    )
    return AuditTrail(hand, event)

    return asyncio.get_running_loop().time()


async def test_fills_are_written_before_the_result(trail: AuditTrail, world: WorkerWorld) -> None:
    """Whoever reads the result finds the executions that it sums up."""
    await trail.intent(REQUEST, "because")
    await trail.result(_result(world))

    assert (await world.all_kinds())[2:] == [
        AuditKind.ORDER_INTENT,
        AuditKind.FILL,
        AuditKind.FILL,
        AuditKind.ORDER_RESULT,
    ]


async def test_a_fill_told_before_its_event_came_back_is_written_when_told_again(
    trail: AuditTrail, world: WorkerWorld
) -> None:
    """Between the loss of Redis and its rebuild nobody knows whose fill it is; the next attempt hears of it again."""
    client: Any = world.queue.client
    events = world.queue.keys.events
    body = await client.hget(events, str(EVENT_ID))
    fill = _fill(1, "100", "50", at=world)

    await client.hdel(events, str(EVENT_ID))
    await trail.earlier_fills((fill,))
    written_too_soon = AuditKind.FILL in await world.all_kinds()
    await client.hset(events, str(EVENT_ID), body)
    await trail.earlier_fills((fill,))
    await trail.earlier_fills((fill,))

    assert not written_too_soon
    assert (await world.all_kinds()).count(AuditKind.FILL) == 1


async def test_a_fill_that_redis_has_lost_is_written_again_when_the_next_connection_tells_it(
    trail: AuditTrail, world: WorkerWorld, fills: FillRecorder
) -> None:
    """Under one connection what stands written is not even sent, however often it is told."""
    client: Any = world.queue.client
    fill = _fill(1, "100", "50", at=world)
    await trail.earlier_fills((fill,))
    await client.delete(*[key async for key in client.scan_iter(f"{world.queue.keys.receipt('')}*")])

    await trail.earlier_fills((fill,))
    held_back = (await world.all_kinds()).count(AuditKind.FILL)
    fills.forget()
    await trail.earlier_fills((fill,))

    assert (held_back, (await world.all_kinds()).count(AuditKind.FILL)) == (1, 2)


async def written(world: WorkerWorld) -> list[tuple[str, str | None]]:
    """Price and commission of each execution, in the order in which they were written down."""
    records = await world.queue.outbox.read("0-0", limit=1000, block=timedelta(milliseconds=1))
    fills = [json.loads(record.details_json) for record in records if record.kind is AuditKind.FILL]
    return [(fill["price"], fill["commission"]) for fill in fills]


async def test_what_was_told_last_of_an_execution_is_written_last(
    trail: AuditTrail, world: WorkerWorld, fills: FillRecorder
) -> None:
    """Also where it was told so before; what the work saw a while ago is older than what was told meanwhile."""
    first, second = _fill(1, "100", "50", at=world), _fill(1, "100", "51", at=world)
    for told in (first, second, first):
        await fills.record(told)
    await fills.record(second)

    await trail.earlier_fills((first,))

    assert [price for price, _ in await written(world)] == ["50", "51", "50", "51"]


@pytest.mark.usefixtures("trail")
async def test_two_words_on_an_execution_keep_their_order_while_redis_is_away(
    world: WorkerWorld, fills: FillRecorder
) -> None:
    """The one that waits to be written again does not overtake the later one."""
    first, second = _fill(1, "100", "50", at=world), _fill(1, "100", "51", at=world)
    writes = WaitingWrites(fills.patiently)
    recorder = replace(fills, patiently=cast("PatientWrites", writes))

    earlier = asyncio.create_task(recorder.record(first))
    await writes.is_waiting.wait()
    later = asyncio.create_task(recorder.record(second))
    await asyncio.wait([later], timeout=0.05)
    writes.is_over.set()
    await asyncio.gather(earlier, later)

    assert [price for price, _ in await written(world)] == ["50", "51"]


async def test_the_work_writes_a_commission_that_it_hears_of_first(
    trail: AuditTrail, world: WorkerWorld, fills: FillRecorder
) -> None:
    """Of an execution that was told without one, and of no other."""
    paid = _fill(1, "100", "50", at=world)
    await fills.record(paid.model_copy(update={"commission": None}))

    await trail.earlier_fills((paid,))
    await trail.earlier_fills((paid.model_copy(update={"commission": Decimal("1.10")}),))

    assert await written(world) == [("50", None), ("50", "1.05")]


async def test_an_order_that_never_left_is_told(trail: AuditTrail, world: WorkerWorld) -> None:
    """It stays an intended order, so that its reference is not used again."""
    await trail.intent(REQUEST, "because")
    await trail.unsent(REQUEST, "shutting down")

    assert (await world.all_kinds())[2:] == [AuditKind.ORDER_INTENT, AuditKind.ORDER_RESULT]
    assert trail.orders_intended == 1


async def test_an_order_lost_sight_of_is_told(trail: AuditTrail, world: WorkerWorld) -> None:
    """As a word about an order, like what the brokerage says of one."""
    await trail.intent(REQUEST, "because")
    await trail.unconfirmed(REQUEST, "the connection broke")

    assert (await world.all_kinds())[2:] == [AuditKind.ORDER_INTENT, AuditKind.ORDER_RESULT]


async def test_the_same_fill_is_recorded_once(trail: AuditTrail, world: WorkerWorld) -> None:
    """However often it is found."""
    for _ in range(3):
        await trail.earlier_fills((_fill(1, "100", "50", at=world),))

    assert (await world.all_kinds()).count(AuditKind.FILL) == 1


async def test_an_intent_that_cannot_be_written_raises(trail: AuditTrail, world: WorkerWorld) -> None:
    """So that no order goes out of which no trace exists."""
    client: Any = world.queue.client
    await client.delete(world.queue.keys.lease)

    with pytest.raises(LeaseLost):
        await trail.intent(REQUEST, "because")


async def test_a_fill_uses_the_trading_day_up_and_an_intent_does_not(trail: AuditTrail, world: WorkerWorld) -> None:
    """A run that traded nothing leaves the day to the next one."""
    await trail.intent(REQUEST, "because")
    assert await trail.last_trade() is None

    await trail.result(_result(world))

    last = await trail.last_trade()
    assert last is not None
    assert last.trading_day == date(2099, 3, 2)


@pytest.mark.parametrize(
    ("order_type", "status", "day"),
    [
        (OrderType.MARKET_ON_CLOSE, OrderStatus.WORKING, LastTrade(date(2099, 3, 2), EVENT_ID, is_expected=True)),
        (OrderType.MARKET_ON_CLOSE, OrderStatus.REJECTED, None),
        (OrderType.MARKET, OrderStatus.CANCELLED, None),
    ],
)
async def test_an_order_taken_for_the_close_uses_the_day_up(
    trail: AuditTrail, order_type: OrderType, status: OrderStatus, day: LastTrade | None
) -> None:
    """It will fill today; one that was refused, or cancelled unfilled, will not."""
    request = REQUEST.model_copy(update={"order_type": order_type, "limit_price": None})
    await trail.intent(request, "because")

    await trail.result(OrderResult(order_id="7", request=request, status=status))

    assert await trail.last_trade() == day


async def test_an_intent_refused_by_a_pause_was_not_intended(trail: AuditTrail, world: WorkerWorld) -> None:
    """The switch bites in the step that would write the order down; nothing counts as sent."""
    await world.queue.trading.pause("DU1", actor="operator", reason="look first")

    with pytest.raises(TradingPaused, match="look first"):
        await trail.intent(REQUEST, "because")

    assert trail.orders_intended == 0
    assert AuditKind.ORDER_INTENT not in await world.all_kinds()


async def test_an_intent_refused_by_a_halt_was_not_intended(trail: AuditTrail, world: WorkerWorld) -> None:
    """Redis contradicts its history: nothing was written, nothing left, and no attempt is counted for it."""
    await world.queue.client.execute_command("SET", world.queue.keys.halt, "halted 1 2 went back")

    with pytest.raises(QueueHalted, match="went back"):
        await trail.intent(REQUEST, "because")

    assert trail.orders_intended == 0
    assert AuditKind.ORDER_INTENT not in await world.all_kinds()


@pytest.mark.parametrize(
    ("reported", "of_the_order"), [((None, None), None), (("1.05", None), "1.05"), (("1.05", "0"), "1.05")]
)
def test_a_commission_is_absent_until_it_is_reported(
    world: WorkerWorld, reported: tuple[str | None, ...], of_the_order: str | None
) -> None:
    """A zero would be a report."""
    commissions = [None if amount is None else Decimal(amount) for amount in reported]
    fills = tuple(
        _fill(number, "203", "50", at=world).model_copy(update={"commission": commission})
        for number, commission in enumerate(commissions, start=1)
    )
    result = OrderResult(order_id="7", request=REQUEST, status=OrderStatus.FILLED, fills=fills)

    assert tuple(fill_details(fill)["commission"] for fill in fills) == reported
    assert result_details(result)["commission"] == of_the_order


def test_a_bust_tells_what_it_takes_back(world: WorkerWorld) -> None:
    """In the words of an execution, without shares."""
    bust = _fill(1, "100", "50", at=world).model_copy(
        update={"exec_id": "e.1.02", "quantity": Decimal(0), "replaces": ("e.1.01",)}
    )

    details = fill_details(bust)

    assert (details["exec_id"], details["quantity"], details["replaces"]) == ("e.1.02", "0", ["e.1.01"])


def test_an_intent_tells_the_margin_effect_that_was_foretold() -> None:
    """With the broker's own words."""
    effect = MarginEffect(
        initial_margin_after=Decimal(5),
        maintenance_margin_after=Decimal(3),
        equity_with_loan_after=Decimal(9),
        commission=Decimal("0.35"),
        warning="close to the limit",
    )

    details = intent_details(REQUEST, "because", effect)

    assert details["margin_effect"]["warning"] == "close to the limit"
    assert details["margin_effect"]["initial_margin_after"] == "5"
