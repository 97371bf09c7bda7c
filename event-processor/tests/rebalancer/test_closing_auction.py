"""Orders for the closing auction: when they go out, what pays for them, and how the run ends."""

from datetime import timedelta
from decimal import Decimal

import pytest

from broker_connector_base import OrderRejected, OrderStatus, OrderType, Side, TimeInForce, TradingSession
from broker_connector_base.testing import OrderScript, RejectOrder
from event_processor.market_hours import ClosedUntil
from event_processor.result import live_result
from event_processor.testing.scenario import (
    CLOSING,
    NEXT_OPENING,
    NOON,
    OPENING,
    Scenario,
    paper_account,
    scenario,
)
from service_runtime.settings import OrdersSettings

BUY, SELL = Side.BUY, Side.SELL
EARLY_CLOSE = OPENING + timedelta(hours=3, minutes=30)
"""13:00 in New York."""


def _settings(**changes: object) -> OrdersSettings:
    return OrdersSettings.model_validate({"fill_timeout_seconds": 0.02, "cancel_timeout_seconds": 0.02, **changes})


@pytest.fixture
def case() -> Scenario:
    """Case 5 with orders for the close: two sells, a buy, and 20 000 in cash of which 1 000 is the reserve."""
    case = scenario(
        paper_account(20_000, AAA=1000, BBB=1500),
        {"AAA": 50, "BBB": 20, "CCC": 125},
        {"AAA": 30, "BBB": 30, "CCC": 40},
        reserve=1,
    )
    case.orders = _settings(type="MOC")
    return case


def _close_early(case: Scenario) -> None:
    tomorrow = TradingSession(opens_at=NEXT_OPENING, closes_at=CLOSING + timedelta(days=1))
    sessions = (TradingSession(opens_at=OPENING, closes_at=EARLY_CLOSE), tomorrow)
    case.brokerage.spec = case.brokerage.spec.model_copy(update={"regular": sessions})


async def test_sells_and_buys_go_out_together_and_wait_for_the_close(case: Scenario) -> None:
    """Buys are sized on the cash that is there: 19 000 buy 152 CCC at 125, not the 316 that the sells would pay."""
    result = live_result(await case.carry_out(), NOON)

    requests = [order.request for order in case.placed]
    assert case.sent == [(SELL, 406, "AAA"), (SELL, 15, "BBB"), (BUY, 152, "CCC")]
    assert {(request.order_type, request.time_in_force) for request in requests} == {
        (OrderType.MARKET_ON_CLOSE, TimeInForce.DAY)
    }
    assert result["status"] == "success"
    assert "3 market-on-close orders working until 16:00 New York time" in result["message"]
    assert [order.get("status") for order in result["orders"]] == ["WORKING"] * 3


async def test_the_preview_is_the_plan_for_the_close(case: Scenario) -> None:
    """It too counts on no proceeds, and names the type of its orders."""
    preview = await case.preview()
    run = await case.carry_out()

    assert preview.planning.plan == run.planning.plan
    assert preview.planning.style.order_type is OrderType.MARKET_ON_CLOSE


async def test_a_preview_at_night_is_the_plan_of_the_next_opening(case: Scenario) -> None:
    """A live run would wait for the opening, and then send orders for the close."""
    case.clock.advance(timedelta(hours=10).total_seconds())

    preview = await case.preview()

    assert preview.market == ClosedUntil(NEXT_OPENING)
    assert preview.planning.style.order_type is OrderType.MARKET_ON_CLOSE


@pytest.mark.parametrize(
    ("minutes_before", "order_type"),
    [(30, OrderType.MARKET_ON_CLOSE), (15, OrderType.MARKET_ON_CLOSE), (10, OrderType.MARKET)],
)
async def test_case_21_on_an_early_close(case: Scenario, minutes_before: int, order_type: OrderType) -> None:
    """12:30 and 12:45 go to the auction at 13:00, 12:50 to the market."""
    _close_early(case)
    case.clock.advance((EARLY_CLOSE - timedelta(minutes=minutes_before) - NOON).total_seconds())

    await case.carry_out()

    assert {order.request.order_type for order in case.placed} == {order_type}


async def test_case_21_at_the_closing_second_the_market_is_closed(case: Scenario) -> None:
    """13:00:00 waits for the next opening, and nothing is touched."""
    _close_early(case)
    case.clock.advance((EARLY_CLOSE - NOON).total_seconds())

    assert await case.deliver() == ClosedUntil(NEXT_OPENING)
    assert case.sent == []


async def test_inside_the_window_market_orders_go_to_the_auction(case: Scenario) -> None:
    """An hour before 16:00 with a window of two hours."""
    case.orders = _settings(moc_minutes_before_close=120)
    case.clock.advance((CLOSING - timedelta(hours=1) - NOON).total_seconds())

    await case.carry_out()

    assert {order.request.order_type for order in case.placed} == {OrderType.MARKET_ON_CLOSE}


async def test_a_rejected_order_is_named_and_the_others_stay(case: Scenario) -> None:
    """No buy depends on a sell here, so one refusal makes the run partial."""
    case.brokerage.scripts.add(OrderScript(RejectOrder("201: halted"), "BBB", SELL))

    result = live_result(await case.carry_out(), NOON)

    assert result["status"] == "partial"
    assert "SELL 15 BBB: filled 0, REJECTED: 201: halted" in result["message"]
    assert "2 market-on-close orders working" in result["message"]
    assert case.open_orders == 2


async def test_when_every_order_is_rejected_the_event_fails(case: Scenario) -> None:
    """Nothing waits for the close."""
    for symbol in ("AAA", "BBB", "CCC"):
        case.brokerage.scripts.add(OrderScript(RejectOrder("201: no"), symbol))

    with pytest.raises(OrderRejected, match="every order was rejected"):
        await case.deliver()


async def test_a_later_event_cancels_them_and_plans_anew(case: Scenario) -> None:
    """Before the auction they are open orders like any others."""
    await case.carry_out()
    await case.carry_out()

    assert case.final_statuses()[:3] == [OrderStatus.CANCELLED] * 3
    assert case.open_orders == 3


async def test_after_the_auction_the_next_day_buys_with_the_proceeds(case: Scenario) -> None:
    """What the sells brought at the close pays for the rest."""
    await case.carry_out()
    case.brokerage.close_market()
    case.brokerage.pass_night()
    case.clock.advance(timedelta(days=1).total_seconds())

    await case.carry_out()

    assert case.sent[3:] == [(BUY, 164, "CCC")]
    case.brokerage.close_market()
    assert case.shares == {"AAA": 594, "BBB": 1485, "CCC": 316}
    assert case.cash == Decimal(1_100)
