"""How many replies a rebalance of 20 symbols waits for one after another."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from broker_connector_base import Side
from event_processor.rebalancer import LiveRun, Rebalancer
from event_processor.testing.scenario import (
    EVENT_ID,
    Scenario,
    leave_order_open,
    paper_account,
    scenario,
)
from event_processor.testing.slow_broker import SlowBroker, VirtualTime
from rebalance_calculator import TargetWeight

SYMBOLS = tuple(f"S{number:02}" for number in range(20))
REPLY, FILL = 0.05, 0.2


@pytest.fixture
def case() -> Scenario:
    """Ten positions to halve, ten to build up with what that brings."""
    held = dict.fromkeys(SYMBOLS[:10], 100)
    prices: Mapping[str, int] = dict.fromkeys(SYMBOLS, 100)
    return scenario(paper_account(0, **held), prices, dict.fromkeys(SYMBOLS, 5))


async def _seconds(case: Scenario) -> float:
    time = VirtualTime()
    broker = SlowBroker(case.brokerage, time, reply=REPLY, fill=FILL)
    await broker.connect()
    rebalancer = Rebalancer(
        broker=broker, clock=case.clock, orders=case.orders, recorder=case.recorder, guard=case.guard
    )

    async def weights_after_a_reply() -> tuple[TargetWeight, ...]:
        await time.wait(REPLY)
        return case.weights

    work = rebalancer.execute(case.account, weights_after_a_reply(), event_id=EVENT_ID, attempt=1)
    run, seconds = await time.spent_on(work)
    assert isinstance(run, LiveRun)
    assert sorted({order.trade.side for order in run.orders}) == [Side.BUY, Side.SELL]
    assert len(run.orders) == len(SYMBOLS)
    return seconds


async def test_twenty_symbols_wait_for_five_replies_and_two_fills(case: Scenario) -> None:
    """Open orders; the account and executions, beside prices; hours; sells; cash; buys; the account."""
    assert await _seconds(case) == pytest.approx(5 * REPLY + 2 * FILL)


async def test_open_orders_cost_one_cancellation_and_a_second_look_however_many(case: Scenario) -> None:
    """All are cancelled side by side; then account, prices and hours are asked for anew."""
    for symbol in SYMBOLS[:5]:
        leave_order_open(case.brokerage, symbol, owner="1")

    assert await _seconds(case) == pytest.approx((5 + 1 + 3) * REPLY + 2 * FILL)


async def test_asking_first_costs_one_reply_a_leg(case: Scenario) -> None:
    """The margin effects of all orders of a leg are asked for side by side."""
    case.settings = {"what_if": True}

    assert await _seconds(case) == pytest.approx((5 + 2) * REPLY + 2 * FILL)
    assert all(effect is not None and effect.commission == Decimal(0) for effect in case.recorder.effects)
