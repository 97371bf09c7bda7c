"""From trades to orders."""

from decimal import Decimal

import pytest

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from event_processor.order_style import order_request
from rebalance_calculator import Trade
from service_runtime.settings import OrdersSettings


def _order(side: Side, price: str, settings: OrdersSettings, *, regular_hours: bool = True) -> OrderRequest:
    trade = Trade(
        symbol="AAA", side=side, quantity=3, price=Decimal(price), market_value=3 * Decimal(price), reason="because"
    )
    return order_request(trade, settings, account_id="DU1", order_ref="ref", regular_hours=regular_hours)


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


def test_outside_regular_hours_no_market_order_goes_out() -> None:
    """The settings ask for MKT; the order is a limit order that says where it may trade."""
    order = _order(Side.SELL, "100", OrdersSettings(extended_hours_enabled=True), regular_hours=False)

    assert (order.order_type, order.outside_regular_hours) == (OrderType.LIMIT, True)


def test_within_regular_hours_the_setting_counts_and_outside_is_not_allowed() -> None:
    """Extended hours enabled change nothing at noon."""
    order = _order(Side.SELL, "100", OrdersSettings(extended_hours_enabled=True, time_in_force="GTC"))

    assert (order.order_type, order.outside_regular_hours) == (OrderType.MARKET, False)
    assert order.time_in_force is TimeInForce.GOOD_TILL_CANCELLED
