"""ib_async's values as ours, and orders as ib_async's."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import CommissionReport, Contract, Execution, Order, Position

from broker_connector_base import AssetClass, OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from ibkr_connector import mapping, numbers
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.messages import CommissionTold, OrderKey, split_exec_id
from ibkr_connector.orders import build_order, round_to_tick

STOCK = QualifiedStock("SPY", 756733, "ARCA", Decimal("0.01"))
UNSET_INTEGER = 2**31 - 1
UNSET_DOUBLE = 1.7976931348623157e308


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1, "0.1"), (100.0, "100"), (1e5, "100000"), (-2.5, "-2.5"), ("3.0", "3"), (Decimal("1.10"), "1.10")],
)
def test_numbers_keep_their_digits(number: float | Decimal | str, text: str) -> None:
    """0.1 is 0.1, and whole numbers have no fraction."""
    assert str(numbers.to_decimal(number)) == text


@pytest.mark.parametrize(
    ("action", "side"),
    [("BUY", Side.BUY), ("BOT", Side.BUY), ("SELL", Side.SELL), ("SLD", Side.SELL), ("SSHORT", Side.SELL)],
)
def test_sides_have_several_names(action: str, side: Side) -> None:
    """Orders and executions spell directions differently."""
    assert mapping.to_side(action) is side


def test_order_ids_are_unique_per_client() -> None:
    """The client id is part of the id; orders without a number are known by their permanent id."""
    keys = [
        mapping.order_key(5, 12, 900),
        mapping.order_key(6, 12, 901),
        mapping.order_key(0, 0, 902),
        mapping.order_key(0, -3, 903),
        mapping.order_key(0, UNSET_INTEGER, 904),
    ]

    assert [str(key) for key in keys] == ["5:12", "6:12", "manual:902", "0:-3", "manual:904"]


def test_an_execution_keeps_what_identifies_it() -> None:
    """Ids, reference, account and contract survive; floats become Decimals."""
    contract = Contract(conId=756733, symbol="SPY", secType="STK")
    at = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    execution = Execution(
        execId="a.b.1.02",
        time=at,
        acctNumber="DU1",
        side="SLD",
        shares=10.0,
        price=500.1,
        permId=900,
        clientId=5,
        orderId=12,
        orderRef="ref",
    )

    told = mapping.execution_told(contract, execution)
    fill = mapping.to_fill(told, CommissionTold(told.exec_id, Decimal("1.25")))

    assert (told.key, told.contract_id, told.stem, told.revision) == (OrderKey(5, 12), 756733, "a.b.1", 2)
    assert (fill.side, fill.quantity, fill.price, fill.executed_at) == (Side.SELL, 10, Decimal("500.1"), at)
    assert fill.cash_effect == Decimal("4999.75")


@pytest.mark.parametrize(
    ("exec_id", "parts"),
    [
        ("0000e0d5.6742a1b2.01.02", ("0000e0d5.6742a1b2.01", 2)),
        ("plain", ("plain", 0)),
        ("12.1", ("12.1", 0)),
        ("12.345", ("12.345", 0)),
        (".01", (".01", 0)),
        ("a.0x", ("a.0x", 0)),
    ],
)
def test_revisions_are_two_digits(exec_id: str, parts: tuple[str, int]) -> None:
    """Only two digits after the last dot are a revision."""
    assert split_exec_id(exec_id) == parts


def test_an_unset_commission_is_none() -> None:
    """The gateway's largest number means that it does not know."""
    unset = mapping.commission_told(CommissionReport("a.b.1.01", UNSET_DOUBLE, "USD"))
    known = mapping.commission_told(CommissionReport("a.b.1.01", 1.05, "CHF"))
    free = mapping.commission_told(CommissionReport("a.b.1.01", 0.0, ""))

    assert (unset.amount, unset.currency) == (None, "USD")
    assert (known.amount, known.currency) == (Decimal("1.05"), "CHF")
    assert (free.amount, free.currency) == (0, "USD")


@pytest.mark.parametrize(
    ("sec_type", "currency", "asset_class", "is_tradeable"),
    [
        ("STK", "USD", AssetClass.STOCK, True),
        ("STK", "EUR", AssetClass.STOCK, False),
        ("OPT", "USD", AssetClass.OTHER, False),
        ("FUT", "USD", AssetClass.OTHER, False),
        ("BOND", "USD", AssetClass.OTHER, False),
    ],
)
def test_only_dollar_stocks_are_tradeable(
    sec_type: str, currency: str, asset_class: AssetClass, is_tradeable: bool
) -> None:
    """Everything else is reported and never traded."""
    contract = Contract(conId=7, symbol="X", secType=sec_type, currency=currency)

    position = mapping.to_position(Position("DU1", contract, -10.6, 50.0))

    assert (position.asset_class, position.is_tradeable) == (asset_class, is_tradeable)
    assert (position.contract_id, position.quantity) == ("7", Decimal("-10.6"))


def test_a_listed_order_names_its_owner() -> None:
    """Only orders of our own client id are ours; those by hand are nobody's."""
    contract = Contract(symbol="SPY")
    orders = [
        Order(orderId=12, clientId=client, action="BUY", totalQuantity=3.0, orderType="MOC", account="DU1", permId=9)
        for client in (5, 6)
    ]
    orders.append(Order(orderId=0, clientId=0, action="SELL", totalQuantity=1.0, orderType="MKT", permId=77))

    opened = [
        mapping.to_open_order(
            mapping.order_listed(contract, order, "Submitted"),
            status=OrderStatus.WORKING,
            filled=Decimal(1),
            own_client_id=5,
        )
        for order in orders
    ]

    assert [(each.order_id, each.owner, each.is_ours) for each in opened] == [
        ("5:12", "5", True),
        ("6:12", "6", False),
        ("manual:77", "0", False),
    ]
    assert (opened[0].order_type, opened[0].quantity, opened[0].filled_quantity) == ("MOC", 3, 1)


@pytest.mark.parametrize(
    ("price", "side", "min_tick", "rounded"),
    [
        ("50.004", Side.BUY, "0.01", "50.01"),
        ("50.006", Side.SELL, "0.01", "50.00"),
        ("50.00", Side.BUY, "0.01", "50.00"),
        ("50.0049", Side.BUY, "0.0001", "50.01"),
        ("0.12345", Side.BUY, "0.0001", "0.1235"),
        ("0.12345", Side.SELL, "0.0001", "0.1234"),
        ("50.03", Side.BUY, "0.05", "50.05"),
        ("0.00001", Side.SELL, "0.0001", "0.0001"),
        ("0.5", Side.BUY, "0", "0.50"),
    ],
)
def test_limits_stay_marketable_on_the_grid(price: str, side: Side, min_tick: str, rounded: str) -> None:
    """Buys round up and sells down, in whole cents from one dollar on, never to zero."""
    assert round_to_tick(Decimal(price), side=side, min_tick=Decimal(min_tick)) == Decimal(rounded)


def _request(order_type: OrderType, limit_price: Decimal | None = None) -> OrderRequest:
    return OrderRequest(
        account_id="DU1",
        symbol="SPY",
        side=Side.SELL,
        quantity=7,
        order_type=order_type,
        time_in_force=TimeInForce.DAY,
        order_ref="event:1:SELL:SPY",
        limit_price=limit_price,
        outside_regular_hours=True,
    )


def test_an_order_says_everything_itself() -> None:
    """Time in force, account, reference and extended hours are set, and each order is a fresh object."""
    request = _request(OrderType.LIMIT, Decimal("500.126"))

    order = build_order(request, STOCK)

    assert (order.action, order.totalQuantity, order.orderType, order.lmtPrice) == ("SELL", 7, "LMT", 500.12)
    assert (order.tif, order.account, order.orderRef) == ("DAY", "DU1", "event:1:SELL:SPY")
    assert (order.outsideRth, order.transmit, order.orderId) == (True, True, 0)
    assert build_order(request, STOCK) is not order


def test_a_limit_order_needs_its_limit() -> None:
    """A limit order without a price is a mistake of the caller, and is not sent."""
    with pytest.raises(ValueError, match="event:1:SELL:SPY"):
        build_order(_request(OrderType.LIMIT), STOCK)


def test_orders_are_routed_by_smart() -> None:
    """A contract from a position names the listing exchange; ours never do."""
    contract = STOCK.contract()

    assert (contract.exchange, contract.secType, contract.currency, contract.conId) == ("SMART", "STK", "USD", 756733)
    assert STOCK.contract() is not contract


@pytest.mark.parametrize(
    ("told", "shares"),
    [(10.6 - 10, "0.6"), ("0.5999999999999996", "0.6"), (100.0, "100"), (-3.25, "-3.25"), (0.1 + 0.2, "0.3")],
)
def test_shares_carry_no_binary_dust(told: float | str, shares: str) -> None:
    """What a sum in floating point leaves behind does not count as a fraction of a share."""
    assert numbers.to_shares(told) == Decimal(shares)
