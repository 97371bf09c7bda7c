"""What an account's owner and the broker allow: limits, buffers, answers to margin questions, pauses."""

from decimal import Decimal
from typing import Any

import pytest

from broker_connector_base import BrokerAPIError, MarginEffect, OrderRejected, OrderRequest, Side
from broker_connector_base.testing import LeaveOpen, OrderScript, PaperBroker, RejectOrder
from broker_connector_base.testing.paper_scripts import ConnectionScript
from event_processor.failures import FailureKind, classify
from event_processor.rebalancer import Rebalancer
from event_processor.result import live_result
from event_processor.testing.scenario import EVENT_ID, NOON, Scenario, leave_order_open, paper_account, scenario
from event_queue.errors import TradingPaused
from rebalance_calculator import PlanError
from service_runtime.accounts import AccountLimits
from service_runtime.settings import OrdersSettings

BUY, SELL = Side.BUY, Side.SELL
QUICK = {"fill_timeout_seconds": 0.02, "cancel_timeout_seconds": 0.02}


def _limits(**values: Any) -> dict[str, AccountLimits]:
    return {"limits": AccountLimits.model_validate(values)}


@pytest.mark.parametrize(
    ("limits", "sent"),
    [
        ({"max_order_value": 10_000}, [(SELL, 200, "AAA"), (SELL, 15, "BBB"), (BUY, 80, "CCC")]),
        ({"min_trade_value": 1_000}, [(SELL, 406, "AAA"), (BUY, 314, "CCC")]),
        ({"drift_band_percent": 1}, [(SELL, 406, "AAA"), (BUY, 314, "CCC")]),
    ],
)
async def test_limits_bound_live_runs_and_previews_alike(
    case_5: Scenario, limits: dict[str, int], sent: list[tuple[Side, int, str]]
) -> None:
    """Each limit that bites is a warning of the result, and the preview is the live plan."""
    case_5.settings = _limits(**limits)

    preview = await case_5.preview()
    run = await case_5.carry_out()

    assert case_5.sent == sent
    assert [(trade.side, trade.quantity, trade.symbol) for trade in preview.planning.plan.trades] == sent
    assert any(next(iter(limits)) in warning for warning in live_result(run, NOON)["warnings"])


async def test_the_turnover_cap_scales_everything_down(case_5: Scenario) -> None:
    """All orders together stay within 10 % of 100 000, and the buys that follow the sells too."""
    case_5.settings = _limits(max_turnover_percent=10)

    run = await case_5.carry_out()

    traded = sum(order.trade.market_value for order in run.orders)
    assert Decimal(9_000) < traded <= Decimal(10_000)


async def test_a_held_symbol_that_no_order_can_name_fails_before_anything_is_touched() -> None:
    """The failure names account and symbol, and is one that an operator has to see to; the preview fails alike."""
    endless = "A" * 100
    case = scenario(paper_account(10_000, **{endless: 5}), {"A": 100, endless: 10}, {"A": 100})
    leave_order_open(case.brokerage, "A", owner="1")

    with pytest.raises(PlanError, match=f"account DU1 holds '{endless}', a symbol of 100 characters") as caught:
        await case.deliver()
    with pytest.raises(PlanError, match=endless):
        await case.preview()

    assert classify(caught.value) is FailureKind.REJECTED
    assert (case.sent, case.open_orders) == ([], 1)


async def test_buys_leave_room_for_dearer_fills() -> None:
    """With 2 % of room 10 000 buys 98 shares of 100, and a fill at 101 is no overdraft."""
    case = scenario(paper_account(10_000), {"A": 100}, {"A": 100})
    case.orders = OrdersSettings.model_validate({**QUICK, "buy_price_buffer_percent": 2})

    await case.carry_out()

    assert case.sent == [(BUY, 98, "A")]


async def test_limit_buys_are_sized_at_their_limit() -> None:
    """0.5 % above 100: 10 000 buy 99 shares, which cost at most 9 949.50."""
    case = scenario(paper_account(10_000), {"A": 100}, {"A": 100})
    case.orders = OrdersSettings.model_validate({**QUICK, "type": "LMT"})

    await case.carry_out()

    (order,) = case.placed
    assert (order.request.quantity, order.request.limit_price) == (99, Decimal("100.50"))


async def test_a_sell_that_the_broker_would_refuse_stops_everything(case_5: Scenario) -> None:
    """Asked beforehand, one refusal is enough: no order goes out, and the broker's words are told."""
    case_5.settings = {"what_if": True}
    case_5.brokerage.scripts.add(OrderScript(RejectOrder("201: no permission"), "BBB", SELL))

    with pytest.raises(OrderRejected, match="201: no permission"):
        await case_5.deliver()

    assert case_5.sent == []
    assert case_5.recorder.intents == []


async def test_a_buy_that_the_broker_would_refuse_stops_the_buys(case_5: Scenario) -> None:
    """Buys are asked about after the sells, whose proceeds change the answer."""
    case_5.settings = {"what_if": True}
    case_5.brokerage.scripts.add(OrderScript(RejectOrder("201: margin"), "CCC", BUY))

    with pytest.raises(OrderRejected, match="201: margin"):
        await case_5.deliver()

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB")]
    what_ifs = case_5.brokerage.journal.subjects("what_if")
    assert len(what_ifs) == 3


async def test_margin_effects_are_recorded_and_shown(case_5: Scenario) -> None:
    """Beside the order that they were asked for."""
    case_5.settings = {"what_if": True}

    result = live_result(await case_5.carry_out(), NOON)

    assert all(effect is not None for effect in case_5.recorder.effects)
    assert all("margin_effect" in order for order in result["orders"])


async def test_without_an_answer_nothing_is_sent(case_5: Scenario) -> None:
    """A connector that cannot ask is no permission."""

    class Mute(PaperBroker):
        """Cannot tell margin effects."""

        async def what_if(self, request: OrderRequest) -> MarginEffect:
            """Fail."""
            raise BrokerAPIError(request.order_ref)

    case_5.settings = {"what_if": True}
    broker = Mute(case_5.brokerage)
    await broker.connect()
    rebalancer = Rebalancer(
        broker=broker, clock=case_5.clock, orders=case_5.orders, recorder=case_5.recorder, guard=case_5.guard
    )

    async def weights() -> Any:
        return case_5.weights

    with pytest.raises(BrokerAPIError):
        await rebalancer.execute(case_5.account, weights(), event_id=EVENT_ID, attempt=1)

    assert case_5.sent == []


async def test_a_pause_bites_before_the_next_order_and_follows_those_sent(case_5: Scenario) -> None:
    """The first sell is out when trading is paused: it is followed to its confirmed end, and nothing follows it."""
    case_5.brokerage.scripts.add(OrderScript(LeaveOpen(), "AAA", SELL))
    case_5.recorder.pauses_at = 1

    with pytest.raises(TradingPaused):
        await case_5.deliver()

    assert case_5.sent == [(SELL, 406, "AAA")]
    assert case_5.open_orders == 0
    assert len(case_5.recorder.results) == 1


async def test_case_22_a_sell_that_filled_during_an_outage_is_seen(case_5: Scenario) -> None:
    """The connection breaks while the sells are followed; the next attempt finds them executed and only buys."""
    case_5.brokerage.scripts.add(ConnectionScript("await_cash", "before"))
    with pytest.raises(Exception, match="no connection"):
        await case_5.deliver()

    await case_5.carry_out()

    assert case_5.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB"), (BUY, 316, "CCC")]
    assert {fill.symbol for fill in case_5.recorder.found} == {"AAA", "BBB"}
