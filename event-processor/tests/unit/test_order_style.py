"""From trades to orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from event_processor.market_hours import Open
from event_processor.order_style import buy_price_buffer, choose_style, order_request
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings

EARLY_CLOSE = datetime(2026, 11, 27, 18, tzinfo=UTC)
"""13:00 in New York on the day after Thanksgiving."""
MIDDAY = EARLY_CLOSE - timedelta(hours=1)


def _order(side: Side, price: str, settings: OrdersSettings, *, regular: bool = True) -> OrderRequest:
    trade = Trade(
        symbol="AAA", side=side, quantity=3, price=Decimal(price), market_value=3 * Decimal(price), reason="because"
    )
    style = choose_style(settings, Open(regular=regular, closes_at=EARLY_CLOSE), MIDDAY)
    return order_request(trade, style, account_id="DU1", order_ref="ref")


def _type_at(moment: str, settings: OrdersSettings) -> OrderType:
    """The type of an order at a time of New York on the day of the early close."""
    hour, minute, second = (int(part) for part in moment.split(":"))
    now = EARLY_CLOSE.replace(hour=hour + 5, minute=minute, second=second)
    return choose_style(settings, Open(regular=True, closes_at=EARLY_CLOSE), now).order_type


def test_a_market_order_names_everything() -> None:
    """Account, time in force and reference are explicit, and no limit is."""
    order = _order(Side.BUY, "100", OrdersSettings())

    assert order == OrderRequest(
        account_id="DU1",
        symbol="AAA",
        side=Side.BUY,
        quantity=3,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref="ref",
    )


@pytest.mark.parametrize(
    ("side", "price", "limit"),
    [
        (Side.BUY, "100", "100.50"),
        (Side.SELL, "100", "99.50"),
        (Side.BUY, "33.337", "33.51"),
        (Side.SELL, "33.337", "33.17"),
        (Side.BUY, "0.5", "0.5025"),
        (Side.SELL, "0.00001", "0.0001"),
    ],
)
def test_a_limit_goes_through_the_reference_price(side: Side, price: str, limit: str) -> None:
    """By half a percent, to the tick that keeps it marketable."""
    order = _order(side, price, OrdersSettings(type="LMT"))

    assert (order.order_type, order.limit_price) == (OrderType.LIMIT, Decimal(limit))


@pytest.mark.parametrize("kind", ["MKT", "LMT", "MOC"])
def test_outside_regular_hours_no_market_order_goes_out(kind: str) -> None:
    """Whatever the settings ask for, the order is a limit order that says where it may trade."""
    settings = OrdersSettings.model_validate({"type": kind, "extended_hours_enabled": True})
    order = _order(Side.SELL, "100", settings, regular=False)

    assert (order.order_type, order.outside_regular_hours) == (OrderType.LIMIT, True)


def test_within_regular_hours_the_setting_counts_and_outside_is_not_allowed() -> None:
    """Extended hours enabled change nothing at noon."""
    order = _order(Side.SELL, "100", OrdersSettings(extended_hours_enabled=True, time_in_force="GTC"))

    assert (order.order_type, order.outside_regular_hours) == (OrderType.MARKET, False)
    assert order.time_in_force is TimeInForce.GOOD_TILL_CANCELLED


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("09:30:00", OrderType.MARKET_ON_CLOSE),
        ("12:30:00", OrderType.MARKET_ON_CLOSE),
        ("12:45:00", OrderType.MARKET_ON_CLOSE),
        ("12:45:01", OrderType.MARKET),
        ("12:50:00", OrderType.MARKET),
    ],
)
def test_case_21_the_cut_off_is_relative_to_the_days_close(moment: str, expected: OrderType) -> None:
    """On the day of an early close orders for the close go out until 12:45, then as market orders."""
    assert _type_at(moment, OrdersSettings(type="MOC")) is expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("12:14:59", OrderType.MARKET),
        ("12:15:00", OrderType.MARKET_ON_CLOSE),
        ("12:45:00", OrderType.MARKET_ON_CLOSE),
        ("12:50:00", OrderType.MARKET),
    ],
)
def test_market_orders_wait_for_the_close_inside_the_window(moment: str, expected: OrderType) -> None:
    """From 45 minutes before it until the cut-off."""
    assert _type_at(moment, OrdersSettings(moc_minutes_before_close=45)) is expected


def test_limit_orders_stay_limit_orders_inside_the_window() -> None:
    """Who asks for a limit gets one."""
    assert _type_at("12:30:00", OrdersSettings(type="LMT", moc_minutes_before_close=45)) is OrderType.LIMIT


def test_orders_for_the_close_are_for_the_day() -> None:
    """Brokerages take no other time in force for them."""
    order = _order(Side.BUY, "100", OrdersSettings(type="MOC", time_in_force="GTC"))

    assert (order.order_type, order.time_in_force) == (OrderType.MARKET_ON_CLOSE, TimeInForce.DAY)
    assert order.limit_price is None


def test_buys_leave_room_for_the_most_that_they_may_cost() -> None:
    """Market orders for the configured buffer, limit orders for their limit with the tick it was rounded up to."""
    prices = [Decimal(100), Decimal("33.337")]
    market = Open(regular=True, closes_at=EARLY_CLOSE)
    by_market = choose_style(OrdersSettings(buy_price_buffer_percent=Decimal(1)), market, MIDDAY)
    by_limit = choose_style(OrdersSettings(type="LMT"), market, MIDDAY)

    assert buy_price_buffer(by_market, prices) == Decimal("0.01")
    assert buy_price_buffer(by_limit, prices) == Decimal("33.51") / Decimal("33.337") - 1
    assert buy_price_buffer(by_limit, []) == Decimal("0.005")
