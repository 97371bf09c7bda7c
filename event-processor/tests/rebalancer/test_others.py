"""Somebody else trades in the account between our sells and our buys."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from broker_connector_base import (
    AccountPosition,
    AccountSnapshot,
    CancellationUnconfirmed,
    OpenOrder,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from broker_connector_base.testing import LeaveOpen, OrderScript, PaperBroker, paper_position
from event_processor.rebalancer import LiveRun, Rebalancer
from event_processor.rebalancer.funding import Funding
from event_processor.rebalancer.live_planning import NotNow
from event_processor.result import live_result
from event_processor.testing.scenario import (
    ACCOUNT,
    EVENT_ID,
    NOON,
    Number,
    Scenario,
    leave_order_open,
    paper_account,
    scenario,
)
from rebalance_calculator import TargetWeight
from service_runtime.settings import OrdersSettings


def _switch(cash: Number, *, is_cash_account: bool = False, **held: Number) -> Scenario:
    """10 000 dollars of OLD are sold to buy NEW at 10 dollars with everything."""
    account = paper_account(cash, OLD=100, **held)
    if is_cash_account:
        account = account.model_copy(update={"is_cash_account": True, "settled_cash": Decimal(cash)})
    case = scenario(account, {"OLD": 100, "NEW": 10}, {"NEW": 100})
    case.orders = OrdersSettings(fill_timeout_seconds=5, cancel_timeout_seconds=5)
    case.brokerage.scripts.add(OrderScript(LeaveOpen(), "OLD", Side.SELL))
    return case


async def _with_trade_of_others(case: Scenario, side: Side, quantity: int) -> LiveRun:
    """Deliver; somebody trades NEW while our sell is under way, which then fills."""
    running = asyncio.create_task(case.carry_out())
    await case.brokerage.changes.wait_until(lambda: bool(case.placed), timeout_seconds=5)
    request = OrderRequest(
        account_id=ACCOUNT,
        symbol="NEW",
        side=side,
        quantity=quantity,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref="by hand",
    )
    case.brokerage.place(request, owner="77")
    case.placed[0].behaviour = None
    case.brokerage.match_orders()
    return await running


async def test_what_others_bought_is_not_bought_again() -> None:
    """They spent 2 000 of 3 000 dollars on 200 of the 1 300 shares wanted: the 1 100 others are bought."""
    case = _switch(3_000)

    run = await _with_trade_of_others(case, Side.BUY, 200)

    assert case.sent == [(Side.SELL, 100, "OLD"), (Side.BUY, 1_100, "NEW")]
    assert (case.shares, case.cash) == ({"NEW": 1_300}, 0)
    assert live_result(run, NOON)["status"] == "success"


@pytest.mark.parametrize(("is_cash_account", "bought"), [(False, 1_200), (True, 1_000)])
async def test_what_others_sold_is_bought_back_with_what_it_brought(is_cash_account: bool, bought: int) -> None:
    """They sold 200 of 500 shares that the account is to hold; in a cash account their proceeds have not settled."""
    case = _switch(0, is_cash_account=is_cash_account, NEW=500)

    await _with_trade_of_others(case, Side.SELL, 200)

    assert case.sent == [(Side.SELL, 100, "OLD"), (Side.BUY, bought, "NEW")]
    assert case.shares == {"NEW": 300 + bought}


class _Telling(PaperBroker):
    """A brokerage that tells these positions and this cash after the sells."""

    def __init__(self, case: Scenario, held: Mapping[str, int], cash: int) -> None:
        super().__init__(case.brokerage)
        self._held = held
        self._cash = Decimal(cash)

    async def get_positions_after_trading(
        self, account_id: str, *, timeout_seconds: float
    ) -> tuple[AccountPosition, ...]:
        assert (account_id, timeout_seconds) == (ACCOUNT, 1)
        return tuple(paper_position(symbol, Decimal(quantity)) for symbol, quantity in self._held.items())

    async def await_cash(self, account_id: str, *, at_least: Decimal, timeout_seconds: float) -> Decimal:
        assert (account_id, timeout_seconds) == (ACCOUNT, 1)
        assert at_least >= 0
        return self._cash


@pytest.mark.parametrize(
    ("held", "cash", "bought"),
    [
        ({"NEW": 500}, 10_000, 1_000),
        ({"NEW": 700}, 10_000, 800),  # cash does not yet show what others paid for 200
        ({"NEW": 300}, 10_000, 1_000),  # nor what they got for 200
        ({"NEW": 300}, 12_000, 1_200),
        ({"NEW": 500}, 4_000, 400),  # the sell is there, its proceeds are not
        ({"NEW": 500, "OLD": 100}, 10_000, 0),  # the brokerage does not honour the sell
        ({}, 10_000, 1_000),
    ],
)
async def test_positions_are_believed_and_cash_that_is_not_shown_is_not_spent(
    held: Mapping[str, int], cash: int, bought: int
) -> None:
    """500 NEW and 100 OLD were held and 1 500 NEW are wanted; OLD was sold for 10 000 dollars, says its execution."""
    case = scenario(paper_account(0, OLD=100, NEW=500), {"OLD": 100, "NEW": 10}, {"NEW": 100})
    run = await case.carry_out()
    sells = [order for order in run.orders if order.trade.side is Side.SELL]

    buys = await Funding(_Telling(case, held, cash), run.planning, 1).buys(sells)

    assert [(trade.symbol, trade.quantity) for trade in buys] == ([("NEW", bought)] if bought else [])


async def test_without_sells_nothing_is_read_again() -> None:
    """The plan's own buys follow at once."""
    case = scenario(paper_account(1_000), {"NEW": 10}, {"NEW": 100})

    await case.deliver()

    assert case.sent == [(Side.BUY, 100, "NEW")]
    assert case.brokerage.journal.subjects("await_cash") == ()


class _Contested(PaperBroker):
    """Whenever an order is cancelled, somebody places another one, this often."""

    def __init__(self, case: Scenario, times: int) -> None:
        super().__init__(case.brokerage)
        self._times = times

    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        status = await super().cancel_order(order_id, timeout_seconds=timeout_seconds)
        if self._times:
            self._times -= 1
            leave_order_open(self.brokerage, "NEW", owner="77")
        return status


async def _prepared(case: Scenario, times: int) -> LiveRun | NotNow:
    leave_order_open(case.brokerage, "NEW", owner="77")
    return await _executed(case, _Contested(case, times))


async def _executed(case: Scenario, broker: PaperBroker) -> LiveRun | NotNow:
    await broker.connect()
    rebalancer = Rebalancer(
        broker=broker, clock=case.clock, orders=case.orders, recorder=case.recorder, guard=case.guard
    )

    async def weights() -> tuple[TargetWeight, ...]:
        return case.weights

    return await rebalancer.execute(case.account, weights(), event_id=EVENT_ID, attempt=1)


class _Filling(PaperBroker):
    """An order of an earlier life fills while the account is read, or as it is about to be cancelled."""

    def __init__(self, case: Scenario, *, is_read: bool) -> None:
        super().__init__(case.brokerage)
        self._is_read = is_read

    async def get_open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        found = await super().get_open_orders(account_id)
        self._fill(self._is_read)
        return found

    async def get_account_snapshot(self, account_id: str) -> AccountSnapshot:
        found = await super().get_account_snapshot(account_id)
        self._fill(self._is_read)
        return found

    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        self._fill(True)
        return await super().cancel_order(order_id, timeout_seconds=timeout_seconds)

    def _fill(self, is_due: bool) -> None:
        if is_due:
            for order in self.brokerage.orders:
                order.behaviour = None
            self.brokerage.match_orders()


@pytest.mark.parametrize("is_read", [True, False], ids=["while the account is read", "before it is cancelled"])
async def test_an_order_that_fills_at_the_last_moment_is_not_sent_again(*, is_read: bool) -> None:
    """Read after the account it is neither open nor held, and planned without another look: bought twice either way."""
    case = scenario(paper_account(1_000), {"NEW": 10}, {"NEW": 100})
    leave_order_open(case.brokerage, "NEW", owner="1")

    await _executed(case, _Filling(case, is_read=is_read))

    assert case.sent == [(Side.BUY, 95, "NEW")]
    assert (case.shares, case.cash) == ({"NEW": 100}, 0)


async def test_an_order_that_appears_meanwhile_is_cancelled_too() -> None:
    """The second round finds the account clear, and the plan is carried out."""
    case = scenario(paper_account(1_000), {"NEW": 10}, {"NEW": 100})

    run = await _prepared(case, times=1)

    assert isinstance(run, LiveRun)
    assert len(run.cancelled) == 2
    assert case.sent == [(Side.BUY, 100, "NEW")]


async def test_somebody_who_goes_on_placing_orders_is_left_alone() -> None:
    """After two rounds the event fails, naming what is open; nothing is placed, and no third order is cancelled."""
    case = scenario(paper_account(1_000), {"NEW": 10}, {"NEW": 100})

    with pytest.raises(CancellationUnconfirmed, match=r"kept appearing.* BUY 5 NEW \(order 77:3"):
        await _prepared(case, times=9)

    assert len(case.brokerage.journal.subjects("cancel_order")) == 2
    assert (case.sent, case.open_orders) == ([], 1)
