"""kill -9 at every step: a second delivery ends where one delivery ends."""

from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest

from broker_connector_base import BrokerConnectionError, Side
from broker_connector_base.testing import FillPartly, LeaveOpen, OrderScript
from broker_connector_base.testing.paper_scripts import ConnectionScript
from event_processor.rebalancer import LiveRun
from event_processor.testing.fate import Fate, Killed
from event_processor.testing.scenario import Scenario, case_five


def with_a_stuck_sell() -> Scenario:
    """The sell of AAA fills in part and the rest hangs, until somebody cancels it."""
    case = case_five()
    case.brokerage.scripts.add(OrderScript(FillPartly(Decimal(200)), "AAA", Side.SELL))
    return case


def with_a_stuck_buy() -> Scenario:
    """The buy never fills by itself."""
    case = case_five()
    case.brokerage.scripts.add(OrderScript(LeaveOpen(), "CCC", Side.BUY))
    return case


EXPECTED = {"AAA": Decimal(594), "BBB": Decimal(1485), "CCC": Decimal(316)}
MOST_STEPS = 60


@pytest.mark.parametrize("make", [case_five, with_a_stuck_sell, with_a_stuck_buy])
async def test_a_second_delivery_after_death_at_any_step_ends_where_one_ends(make: Callable[[], Scenario]) -> None:
    """Case 23: no second sell, buys once; orders alive from the first life are found and dealt with."""
    dies_at = 1
    while await _dies(make(), dies_at):
        case = make()
        await _dies(case, dies_at)
        case.meet(Fate())

        await case.deliver()
        await case.deliver()

        assert case.shares == EXPECTED, f"killed at step {dies_at}"
        assert case.cash == 1_100
        assert case.open_orders == 0
        dies_at += 1

    assert 15 < dies_at < MOST_STEPS


@pytest.mark.parametrize("second_death", [5, 9, 12, 15, 18])
async def test_dying_twice_changes_nothing_either(second_death: int) -> None:
    """The third delivery still ends where one ends."""
    case = case_five()
    assert await _dies(case, 14)
    assert await _dies(case, second_death)
    case.meet(Fate())

    await case.deliver()

    assert case.shares == EXPECTED
    assert (case.cash, case.open_orders) == (1_100, 0)


async def test_no_order_ref_is_ever_used_twice() -> None:
    """Every order can be told from every other, over all attempts, also where two lives sent the very same order."""
    dies_at, sent_again = 1, 0
    while await _dies(with_a_stuck_sell(), dies_at):
        case = with_a_stuck_sell()
        await _dies(case, dies_at)
        first_life = {(order.request.side, order.request.symbol) for order in case.placed}
        intended = [request.order_ref for request in case.recorder.intents]
        case.meet(Fate())

        await case.deliver()

        refs = [order.request.order_ref for order in case.placed]
        assert len(refs) == len(set(refs)), f"killed at step {dies_at}"
        intended += [request.order_ref for request in case.recorder.intents]
        assert len(intended) == len(set(intended)), f"killed at step {dies_at}"
        assert set(refs) <= set(intended), f"killed at step {dies_at}: an order went out without its intent"
        again = {(request.side, request.symbol) for request in case.recorder.intents}
        sent_again += bool(first_life & again)
        dies_at += 1

    assert sent_again > 3


@pytest.mark.parametrize("make", [case_five, with_a_stuck_sell, with_a_stuck_buy])
async def test_an_attempt_that_redis_has_forgotten_takes_no_reference_again(make: Callable[[], Scenario]) -> None:
    """It comes back under its old number: what is open at the brokerage, or was executed, has used that up."""
    dies_at, found = 1, 0
    while await _dies(make(), dies_at):
        case = make()
        await _dies(case, dies_at)
        before = {order.request.order_ref for order in case.placed}
        case.meet(Fate())
        case.attempt = 0

        await case.deliver()

        refs = [order.request.order_ref for order in case.placed]
        assert len(refs) == len(set(refs)), f"killed at step {dies_at}"
        found += bool(before) and len(refs) > len(before)
        dies_at += 1

    assert found > 1


async def test_fills_of_an_earlier_attempt_are_recorded_when_found() -> None:
    """What the first life did not live to write down, the second one does."""
    case = case_five()
    step_after_sells = 15
    while not case.brokerage.fills:
        case = case_five()
        step_after_sells += 1
        await _dies(case, step_after_sells)
    of_the_first_life = case.brokerage.fills
    case.meet(Fate())

    await case.deliver()

    assert {fill.exec_id for fill in case.recorder.found} == {fill.exec_id for fill in of_the_first_life}


async def test_fills_of_an_earlier_event_of_the_account_are_recorded_when_found() -> None:
    """An event that a newer one superseded while Redis was put right has nobody else who would write them down."""
    case = case_five()
    await case.deliver()
    of_the_first_event = {fill.exec_id for fill in case.brokerage.fills}
    case.recorder.found.clear()

    await case.deliver(uuid4())

    assert of_the_first_event
    assert {fill.exec_id for fill in case.recorder.found} == of_the_first_event


@pytest.mark.parametrize(
    ("call", "moment"),
    [
        ("place_order", "before"),
        ("place_order", "after"),
        ("await_order", "before"),
        ("await_cash", "before"),
        ("get_account_snapshot", "before"),
        ("get_open_orders", "before"),
    ],
)
async def test_a_lost_connection_is_made_good_by_the_next_attempt(call: str, moment: str) -> None:
    """Wherever the connection breaks, the retry ends where an undisturbed run ends."""
    case = case_five()
    case.brokerage.scripts.add(ConnectionScript(call, "after" if moment == "after" else "before"))
    with pytest.raises(BrokerConnectionError):
        await case.deliver()

    run = await case.deliver()

    assert isinstance(run, LiveRun)
    assert case.shares == EXPECTED


async def _dies(case: Scenario, dies_at: int) -> bool:
    """Deliver once in a life that ends at that step; False when the delivery was over before."""
    case.meet(Fate(dies_at))
    try:
        await case.deliver()
    except Killed:
        return True
    return False
