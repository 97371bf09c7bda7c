"""What becomes of an event whose attempt does not succeed."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from broker_connector_base.testing import PaperQuote
from event_processor.testing.scenario import ACCOUNT, CLOSING, NEXT_OPENING, OPENING, leave_order_open
from event_processor.testing.worker_world import Answer, WorkerWorld, account_config, answer_with
from event_queue.audit import AuditKind
from event_queue.events import Command
from event_queue.outcomes import EventState
from service_runtime.accounts import Accounts
from service_runtime.clock import SystemClock
from service_runtime.settings import TradingMode


async def _failure(world: WorkerWorld, command: Command = Command.REBALANCE, account_id: str = ACCOUNT) -> Any:
    """Run one event to its failure: the audit's details, with the length of the pause in seconds."""
    event = await world.enqueue(command, account_id)
    async with world.running():
        record = await world.next_record(AuditKind.REQUEUED)
        living = await world.living(event)
    assert living.event == event.requeued()
    assert living.due_at is not None
    return {**json.loads(record.details_json), "pause": (living.due_at - record.recorded_at).total_seconds()}


def _status(code: int) -> Answer:
    return answer_with({"AAA": 1}, status_code=code)


async def _timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("too slow", request=request)


@pytest.mark.parametrize(
    ("answer", "kind", "pause"),
    [
        (_status(500), "connection", 30),
        (_status(302), "connection", 30),
        (_timeout, "connection", 30),
        (answer_with({}), "rejected", 900),
        (answer_with({"AAA": 0.5}), "rejected", 900),
        (answer_with({"AAA": "0.5", "BBB": 0.5}), "rejected", 900),
    ],
)
async def test_bad_allocations_touch_nothing(world: WorkerWorld, answer: Answer, kind: str, pause: int) -> None:
    """No order is placed and none cancelled; the pause follows from the kind of failure."""
    world.answer = answer

    failure = await _failure(world)

    assert (failure["result"]["failure_kind"], failure["pause"]) == (kind, pytest.approx(pause, abs=0.1))
    assert not {call.name for call in world.brokerage.journal} & {"place_order", "cancel_order"}


async def test_case_15_a_missing_price_is_asked_for_again_later(world: WorkerWorld) -> None:
    """An answer that is missing is no fault of the input."""
    world.brokerage.set_quote(PaperQuote(symbol="CCC", price=None))

    failure = await _failure(world)

    assert (failure["result"]["failure_kind"], failure["pause"]) == ("unexpected", pytest.approx(300, abs=0.1))
    assert world.brokerage.orders == ()


async def test_an_unreachable_gateway_pauses_the_event_shortly(world: WorkerWorld) -> None:
    """The queue goes on meanwhile."""
    world.brokerage.is_reachable = False

    failure = await _failure(world)

    assert (failure["result"]["failure_kind"], failure["pause"]) == ("connection", pytest.approx(30, abs=0.1))


async def test_an_escaped_cancellation_fails_the_event_and_not_the_worker(world: WorkerWorld) -> None:
    """Nobody stopped the service, so the worker goes on."""

    async def leak(_request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    world.answer = leak

    failure = await _failure(world)

    assert (failure["result"]["failure_kind"], failure["pause"]) == ("unexpected", pytest.approx(300, abs=0.1))


@pytest.mark.parametrize("command", list(Command))
async def test_case_25_a_live_account_is_refused_in_paper_mode(world: WorkerWorld, command: Command) -> None:
    """Whatever the command, the brokerage is not asked anything about it."""
    world.accounts = Accounts({"U123": account_config("U123")})

    failure = await _failure(world, command, "U123")

    assert "U123 is a live account but TRADING_MODE is paper" in failure["error"]
    assert "U123" not in {call.subject for call in world.brokerage.journal}


async def test_case_25_a_paper_account_is_refused_in_live_mode(world: WorkerWorld) -> None:
    """The other way round."""
    world.trading_mode = TradingMode.LIVE

    failure = await _failure(world)

    assert "DU1 is a paper account but TRADING_MODE is live" in failure["error"]


async def test_case_25_an_account_of_another_login_is_refused(world: WorkerWorld) -> None:
    """The gateway does not manage it, so nothing is asked about it."""
    world.accounts = Accounts({"DU7": account_config("DU7")})

    failure = await _failure(world, Command.PRINT_POSITIONS, "DU7")

    assert "DU7 is not managed by the gateway's login, which has DU1" in failure["error"]
    assert failure["pause"] == pytest.approx(900, abs=0.1)


@pytest.mark.parametrize(("account_id", "words"), [("DU9", "is disabled"), ("DU8", "is not in accounts.yaml")])
async def test_an_account_without_configuration_is_refused(world: WorkerWorld, account_id: str, words: str) -> None:
    """The event waits for the operator to enable the account or to delete it."""
    failure = await _failure(world, account_id=account_id)

    assert words in failure["error"]
    assert failure["result"]["failure_kind"] == "rejected"


async def test_an_unknown_replacement_set_is_the_accounts_fault(world: WorkerWorld) -> None:
    """It is found before the allocations are even asked for."""
    account = account_config(ACCOUNT).model_copy(update={"replacement_set": "ira"})
    world.accounts = Accounts({ACCOUNT: account})

    failure = await _failure(world)

    assert "replacement set 'ira'" in failure["error"]
    assert world.brokerage.orders == ()


async def test_a_failed_event_lets_the_next_one_run(world: WorkerWorld) -> None:
    """A pause holds back nobody else."""
    world.answer = _status(500)
    await world.enqueue()
    await world.enqueue(Command.PRINT_EQUITY)

    async with world.running():
        failed = await world.next_record(AuditKind.REQUEUED)
        done = await world.next_record(AuditKind.COMPLETED)

    assert failed.counter < done.counter


@pytest.mark.parametrize(
    ("now", "opens_at"),
    [
        (CLOSING, NEXT_OPENING),
        (OPENING - timedelta(seconds=1), OPENING),
        (CLOSING + timedelta(hours=2), NEXT_OPENING),
    ],
)
async def test_case_21_a_closed_market_delays_the_event_unchanged(
    world: WorkerWorld, now: datetime, opens_at: datetime
) -> None:
    """It waits for the opening with its payload as it was; that is no retry, and nothing was touched."""
    world.clock.advance((now - world.clock.now()).total_seconds())
    event = await world.enqueue()

    async with world.running():
        await world.next_record(AuditKind.DELAYED)
        living = await world.living(event)

    assert (living.state, living.event, living.due_at) == (EventState.DELAYED, event, opens_at)
    assert (await world.queue.admin.status()).events_with_retries == 0
    assert world.brokerage.orders == ()


async def test_bad_allocations_are_told_even_while_the_market_is_closed(world: WorkerWorld) -> None:
    """The publisher's error comes first."""
    world.clock.advance((CLOSING - world.clock.now()).total_seconds())
    world.answer = _status(500)

    failure = await _failure(world)

    assert "answered 500" in failure["error"]


async def test_cancel_orders_cancels_everybodys(world: WorkerWorld) -> None:
    """Each order is confirmed as cancelled and listed in the result, whoever placed it."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    leave_order_open(world.brokerage, "AAA", owner="77")
    await world.enqueue(Command.CANCEL_ORDERS)

    async with world.running():
        record = await world.next_record(AuditKind.COMPLETED)

    result = json.loads(record.details_json)["result"]
    assert [order["symbol"] for order in result["orders"]] == ["CCC", "AAA"]
    assert all(order.is_final for order in world.brokerage.orders)


async def test_cancel_orders_fails_when_one_cannot_be_cancelled(world: WorkerWorld) -> None:
    """Ours is cancelled; the foreign one is named with its owner, who is at work."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    leave_order_open(world.brokerage, "CCC", owner="77")
    world.brokerage.owners.occupy("77")

    failure = await _failure(world, Command.CANCEL_ORDERS)

    assert "BUY 5 CCC (order 77:2 of 77" in failure["error"]
    assert [order.is_final for order in world.brokerage.orders] == [True, False]


async def test_print_orders_lists_everybodys(world: WorkerWorld) -> None:
    """The owner of each is told, and whether it is ours."""
    leave_order_open(world.brokerage, "CCC", owner="1")
    leave_order_open(world.brokerage, "CCC", owner="77")
    await world.enqueue(Command.PRINT_ORDERS)

    async with world.running():
        record = await world.next_record(AuditKind.COMPLETED)

    orders = json.loads(record.details_json)["result"]["orders"]
    assert [(order["owner"], order["ours"]) for order in orders] == [("1", True), ("77", False)]


async def test_records_carry_the_queues_own_time(world: WorkerWorld) -> None:
    """Pauses are measured by the queue, so that a worker's wrong clock cannot shorten one."""
    world.answer = _status(500)
    event = await world.enqueue()

    async with world.running():
        await world.next_record(AuditKind.REQUEUED)
        living = await world.living(event)

    assert living.due_at is not None
    assert abs(living.due_at - SystemClock().now() - timedelta(seconds=30)) < timedelta(seconds=10)
    assert world.clock.now().astimezone(UTC).year > living.due_at.year
