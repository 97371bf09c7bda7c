"""The values that connectors and the rebalancer exchange."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from broker_connector_base import (
    AccountPosition,
    AccountSnapshot,
    AssetClass,
    ContractPrice,
    Fill,
    OrderRequest,
    OrderResult,
    OrderStatus,
    OrderType,
    PriceSource,
    Side,
    TimeInForce,
    TradingSession,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def fill(side: Side, quantity: int, *, price: str = "10.50", commission: str = "1") -> Fill:
    return Fill(
        exec_id=f"e{quantity}",
        order_ref="ref",
        account_id="DU1",
        symbol="A",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(commission),
        executed_at=NOON,
    )


def request(quantity: int = 10) -> OrderRequest:
    return OrderRequest(
        account_id="DU1",
        symbol="A",
        side=Side.BUY,
        quantity=quantity,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        order_ref="ref",
    )


@pytest.mark.parametrize(("is_cash_account", "spendable"), [(True, 3000), (False, 5000)])
def test_only_cash_accounts_wait_for_settlement(is_cash_account: bool, spendable: int) -> None:
    """A margin account lends what has not settled."""
    snapshot = AccountSnapshot(
        account_id="DU1",
        net_liquidation=Decimal(5000),
        cash=Decimal(5000),
        settled_cash=Decimal(3000),
        is_cash_account=is_cash_account,
        positions=(),
        taken_at=NOON,
    )

    assert snapshot.spendable_cash == spendable


def test_settled_cash_beyond_the_cash_is_not_spendable() -> None:
    """Today's purchases are paid from it even though they have not settled."""
    snapshot = AccountSnapshot(
        account_id="DU1",
        net_liquidation=Decimal(5000),
        cash=Decimal(1000),
        settled_cash=Decimal(3000),
        is_cash_account=True,
        positions=(),
        taken_at=NOON,
    )

    assert snapshot.spendable_cash == 1000


@pytest.mark.parametrize(
    ("asset_class", "currency", "is_tradeable"),
    [(AssetClass.STOCK, "USD", True), (AssetClass.STOCK, "EUR", False), (AssetClass.OTHER, "USD", False)],
)
def test_only_us_dollar_stocks_are_tradeable(asset_class: AssetClass, currency: str, is_tradeable: bool) -> None:
    """Everything else is reported and left alone."""
    position = AccountPosition(
        symbol="A", contract_id="1", quantity=Decimal(1), asset_class=asset_class, currency=currency
    )

    assert position.is_tradeable is is_tradeable


@pytest.mark.parametrize(("side", "effect"), [(Side.BUY, "-106.00"), (Side.SELL, "104.00")])
def test_a_commission_costs_on_both_sides(side: Side, effect: str) -> None:
    """It makes buys dearer and sells poorer."""
    assert fill(side, 10).cash_effect == Decimal(effect)


def test_a_result_adds_its_fills() -> None:
    """Quantities and cash come from executions, never from the request."""
    result = OrderResult(
        order_id="1",
        request=request(10),
        status=OrderStatus.WORKING,
        fills=(fill(Side.BUY, 3), fill(Side.BUY, 4)),
    )

    assert (result.filled_quantity, result.remaining_quantity) == (7, 3)
    assert result.cash_effect == Decimal("-75.50")


def test_only_two_statuses_may_still_fill() -> None:
    """Whatever else a brokerage says ends the order."""
    alive = {status for status in OrderStatus if not status.is_final}

    assert alive == {OrderStatus.PENDING, OrderStatus.WORKING}


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [(NOON - timedelta(seconds=1), False), (NOON, True), (NOON + timedelta(hours=1), False)],
)
def test_a_session_includes_its_opening_and_excludes_its_close(moment: datetime, is_open: bool) -> None:
    """At the closing second the market is closed."""
    session = TradingSession(opens_at=NOON, closes_at=NOON + timedelta(hours=1))

    assert session.contains(moment) is is_open


@pytest.mark.parametrize(("seconds", "age"), [(90, 90.0), (-5, 0.0)])
def test_the_age_of_a_price_is_never_negative(seconds: int, age: float) -> None:
    """Clocks of two machines differ a little."""
    price = ContractPrice(symbol="A", price=Decimal(1), source=PriceSource.DELAYED, observed_at=NOON)

    assert price.age_seconds(NOON + timedelta(seconds=seconds)) == age


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_what_is_no_price_cannot_become_one(price: str) -> None:
    """Brokerages send -1 and 0 for missing prices."""
    with pytest.raises(ValidationError):
        ContractPrice(symbol="A", price=Decimal(price), source=PriceSource.LIVE_MID, observed_at=NOON)


@pytest.mark.parametrize("quantity", [0, -1])
def test_an_order_is_for_at_least_one_share(quantity: int) -> None:
    """Direction is said by the side alone."""
    with pytest.raises(ValidationError):
        request(quantity)


def test_times_without_a_zone_are_refused() -> None:
    """Nobody could say when that was."""
    with pytest.raises(ValidationError):
        ContractPrice(symbol="A", price=Decimal(1), source=PriceSource.LIVE_MID, observed_at=NOON.replace(tzinfo=None))


def test_values_do_not_change() -> None:
    """What was recorded stays what was meant."""
    order = request()

    with pytest.raises(ValidationError):
        setattr(order, "quantity", 11)  # noqa: B010 - the type checker refuses the plain assignment already


def test_an_execution_without_shares_takes_back_another() -> None:
    """It has no effect of its own, and shares without a price there are not."""
    bust = Fill.model_validate(
        {**fill(Side.BUY, 1).model_dump(), "quantity": 0, "commission": 0, "replaces": ("e.01",)}
    )

    assert (bust.is_busted, bust.cash_effect) == (True, 0)
    for nonsense in ({"quantity": 0}, {"price": 0}, {"quantity": -1, "replaces": ("e.01",)}):
        with pytest.raises(ValidationError):
            Fill.model_validate({**fill(Side.BUY, 1).model_dump(), **nonsense})


def test_a_commission_that_is_not_reported_is_not_known() -> None:
    """The cash effect contains what is known."""
    unknown = fill(Side.BUY, 1).model_copy(update={"commission": None})

    assert (unknown.commission, unknown.cash_effect) == (None, Decimal("-10.50"))
