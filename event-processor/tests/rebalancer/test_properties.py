"""Random portfolios, carried out: what must hold whatever the account and its targets."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from broker_connector_base import Side
from broker_connector_base.testing import FillPartly, OrderScript
from event_processor.rebalancer import LiveRun
from event_processor.testing.fate import Fate, Killed
from event_processor.testing.scenario import ACCOUNT, Number, Scenario, paper_account, scenario

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")


@st.composite
def cases(draw: st.DrawFn) -> Scenario:
    """An account with some of four symbols, targets on some of them, whole prices in cents."""
    prices = {symbol: draw(st.integers(100, 100_000)) / Decimal(100) for symbol in SYMBOLS}
    held = {symbol: draw(st.integers(0, 500)) for symbol in draw(st.sets(st.sampled_from(SYMBOLS)))}
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=3, max_size=3)))
    parts = [end - start for start, end in pairwise((0, *cuts, 100))]
    weights: dict[str, Number] = dict(zip(SYMBOLS, parts, strict=True))
    return scenario(
        paper_account(draw(st.integers(0, 200_000)), **held), prices, weights, reserve=draw(st.integers(0, 10))
    )


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_a_run_keeps_the_reserve_and_opens_no_short(case: Scenario) -> None:
    """Buys never eat into the reserve, nothing is sold that is not held, and a second run does nothing."""
    before = case.brokerage.snapshot(ACCOUNT)

    first, planned, second = asyncio.run(_preview_and_two_runs(case))

    reserve = before.net_liquidation * Decimal(case.reserve) / 100
    spent = any(order.trade.side is Side.BUY for order in first.orders)
    assert case.cash >= (reserve if spent else min(before.cash, reserve))
    assert all(quantity >= 0 for quantity in case.shares.values())
    assert planned == [(order.trade.side, order.trade.quantity, order.trade.symbol) for order in first.orders]
    assert second.orders == ()


@settings(max_examples=40, deadline=None)
@given(case=cases(), filled=st.integers(0, 100), dies_at=st.integers(1, 60))
def test_death_and_a_partial_fill_change_no_outcome(case: Scenario, filled: int, dies_at: int) -> None:
    """Whatever the first life left, repeated deliveries end without orders, shorts or spent reserve."""
    if filled:
        case.brokerage.scripts.add(OrderScript(FillPartly(Decimal(filled))))
    before = case.brokerage.snapshot(ACCOUNT)

    asyncio.run(_die_and_recover(case, dies_at))

    reserve = before.net_liquidation * Decimal(case.reserve) / 100
    assert case.cash >= min(before.cash, reserve)
    assert all(quantity >= 0 for quantity in case.shares.values())
    assert case.open_orders == 0


async def _preview_and_two_runs(case: Scenario) -> tuple[LiveRun, list[tuple[Side, int, str]], LiveRun]:
    preview = await case.preview()
    planned = [(trade.side, trade.quantity, trade.symbol) for trade in preview.planning.plan.trades]
    first, second = await case.deliver(), await case.deliver()
    assert isinstance(first, LiveRun)
    assert isinstance(second, LiveRun)
    return first, planned, second


async def _die_and_recover(case: Scenario, dies_at: int) -> None:
    case.meet(Fate(dies_at))
    with suppress(Killed):
        await case.deliver()
    case.meet(Fate())
    for _ in range(2):  # a partial fill that the first life did not meet leaves one more delivery something to do
        await case.deliver()
    last = await case.deliver()
    assert isinstance(last, LiveRun)
    assert last.orders == ()
