"""Several orders at once: none abandoned, and the gravest trouble told."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from broker_connector_base import (
    BrokerConnectionError,
    CancellationUnconfirmed,
    OrderRequest,
    OrderStatus,
    OrderUnconfirmed,
    Permit,
    Side,
)
from broker_connector_base.permit import always
from broker_connector_base.testing import IgnoreCancellation, LeaveOpen, OrderScript, PaperBroker, RejectOrder
from broker_connector_base.testing.paper_scripts import ConnectionScript
from event_processor.errors import Stopping
from event_processor.order_style import plain_style
from event_processor.rebalancer.order_desk import OrderDesk
from event_processor.testing.scenario import ACCOUNT, Scenario, paper_account, scenario
from event_queue.errors import LeaseLost
from rebalance_calculator import Trade


@pytest.fixture
def case() -> Scenario:
    """Three positions."""
    return scenario(paper_account(0, A=10, B=10, C=10), {"A": 1, "B": 1, "C": 1}, {"A": 100})


async def _desk(case: Scenario) -> OrderDesk:
    broker = PaperBroker(case.brokerage)
    await broker.connect()
    return OrderDesk(
        broker=broker,
        settings=case.orders,
        recorder=case.recorder,
        guard=case.guard,
        account_id=ACCOUNT,
        order_ref=lambda side, symbol: f"{side}:{symbol}",
        style=plain_style(case.orders),
    )


def _sell(symbol: str) -> Trade:
    return Trade(
        symbol=symbol, side=Side.SELL, quantity=10, price=Decimal(1), market_value=Decimal(10), reason="because"
    )


SELLS = tuple(_sell(symbol) for symbol in "ABC")


async def test_orders_come_back_in_the_order_of_their_trades(case: Scenario) -> None:
    """Whatever became of each."""
    case.brokerage.scripts.add(OrderScript(RejectOrder("no"), "A"))
    case.brokerage.scripts.add(OrderScript(LeaveOpen(), "B"))

    sent = await (await _desk(case)).carry_out(SELLS)

    assert [order.trade.symbol for order in sent] == ["A", "B", "C"]
    assert [order.result.status for order in sent] == [
        OrderStatus.REJECTED,
        OrderStatus.CANCELLED,
        OrderStatus.FILLED,
    ]
    assert sent[0].describe() == "SELL 10 A: filled 0, REJECTED: no"


async def test_nothing_to_trade_is_no_order(case: Scenario) -> None:
    """An empty list asks nobody anything."""
    assert await (await _desk(case)).carry_out(()) == ()
    assert case.recorder.intents == []


async def test_an_unconfirmed_order_outweighs_an_unknown_symbol(case: Scenario) -> None:
    """An order that may still fill is what somebody must look at first."""
    desk = await _desk(case)
    case.brokerage.scripts.add(OrderScript(IgnoreCancellation(), "A"))

    with pytest.raises(CancellationUnconfirmed):
        await desk.carry_out((_sell("X"), *SELLS))

    assert {result.request.symbol for result in case.recorder.results} == {"A", "B", "C"}


async def test_a_lost_connection_is_told(case: Scenario) -> None:
    """Every order had its intent written, and none was sent after the loss."""
    desk = await _desk(case)
    case.brokerage.scripts.add(ConnectionScript("place_order", "before"))

    with pytest.raises(BrokerConnectionError):
        await desk.carry_out(SELLS)

    assert len(case.recorder.intents) == 3
    assert case.brokerage.orders == ()
    assert case.recorder.unsent_orders.keys() == {"SELL:A", "SELL:B", "SELL:C"}


@pytest.mark.parametrize(
    "script", [ConnectionScript("place_order", "after"), ConnectionScript("await_order", "before")], ids=str
)
async def test_an_order_that_left_before_the_loss_is_unconfirmed(case: Scenario, script: ConnectionScript) -> None:
    """Whoever reads the history learns which orders may have filled, and which were never sent."""
    desk = await _desk(case)
    case.brokerage.scripts.add(script)

    with pytest.raises(BrokerConnectionError):
        await desk.carry_out(SELLS)

    sent = {order.request.order_ref for order in case.brokerage.orders}
    told = case.recorder
    assert "SELL:A" in sent
    assert sent == told.unconfirmed_orders.keys() | {result.request.order_ref for result in told.results}
    assert told.unsent_orders.keys() == {"SELL:A", "SELL:B", "SELL:C"} - sent


@pytest.mark.parametrize("refusal", [LeaseLost("lost"), Stopping("stopping")])
async def test_a_refusal_is_told_before_any_other_trouble(case: Scenario, refusal: Exception) -> None:
    """It decides what becomes of the event."""
    desk = await _desk(case)
    case.guard.refusal = refusal

    with pytest.raises(type(refusal)):
        await desk.carry_out(SELLS)

    assert case.recorder.intents == []
    assert case.brokerage.orders == ()


class Queueing(PaperBroker):
    """Its orders wait for their turn, and meanwhile something happens to whoever sends them."""

    def __init__(self, case: Scenario, meanwhile: Callable[[], None]) -> None:
        super().__init__(case.brokerage)
        self._meanwhile = meanwhile

    async def place_order(self, request: OrderRequest, *, permit: Permit = always) -> str:
        """Let it happen, then go on."""
        self._meanwhile()
        return await super().place_order(request, permit=permit)


@pytest.mark.parametrize(
    ("refusal", "unsent"),
    [(LeaseLost("the lease has ended"), {}), (Stopping("shutting down"), {"SELL:A": "shutting down"})],
)
async def test_an_order_that_may_no_more_be_sent_when_its_turn_comes(
    case: Scenario, refusal: Exception, unsent: dict[str, str]
) -> None:
    """It was written down and is not sent. Under our lease that is written down too; without it we write nothing."""

    def refuse() -> None:
        case.guard.refusal = refusal

    broker = Queueing(case, refuse)
    await broker.connect()
    desk = replace(await _desk(case), broker=broker)

    with pytest.raises(type(refusal)):
        await desk.carry_out(SELLS[:1])

    assert [request.symbol for request in case.recorder.intents] == ["A"]
    assert case.recorder.unsent_orders == unsent
    assert case.brokerage.orders == ()


async def test_an_order_without_an_end_is_unconfirmed(case: Scenario) -> None:
    """The cancellation was answered, and still the order's status is not final."""

    class Forgetful(PaperBroker):
        """Confirms cancellations that it does not carry out."""

        async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
            """Say that it was cancelled."""
            del order_id, timeout_seconds
            return OrderStatus.CANCELLED

    broker = Forgetful(case.brokerage)
    await broker.connect()
    desk = replace(await _desk(case), broker=broker)
    case.brokerage.scripts.add(OrderScript(LeaveOpen(), "A"))

    with pytest.raises(OrderUnconfirmed, match=r"SELL:A\) is WORKING at the end"):
        await desk.carry_out(SELLS[:1])

    assert [result.status for result in case.recorder.results] == [OrderStatus.WORKING]
