"""Asking for an order's margin effect: bounded, refused where the brokerage would, and without consequences."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import OrderState

from broker_connector_base import (
    AccountRefused,
    BrokerAPIError,
    BrokerConnectionError,
    ContractUnknown,
    OrderRejected,
    OrderRequest,
    OrderType,
    Side,
)
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from ibkr_connector.contracts import QualifiedStock
from ibkr_connector.mapping import what_if_told
from ibkr_connector.messages import ErrorTold, Message, WhatIfTold
from ibkr_connector.numbers import known_number
from ibkr_connector.session import GatewaySession
from ibkr_connector.what_if import ask_margin_effect
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]
UNSET = 1.7976931348623157e308
STOCK = QualifiedStock("TLT", 10, "ARCA", Decimal("0.01"))


class _Script:
    """Stands in for the client below ib_async: answers a what-if with scripted messages."""

    def __init__(self, session: GatewaySession, said: list[Message]) -> None:
        self._session = session
        self._said = said
        self.what_ifs: list[bool] = []

    def getReqId(self) -> int:  # noqa: N802 - ib_async's name
        return 7

    def placeOrder(self, _number: int, _contract: object, order: object) -> None:  # noqa: N802 - ib_async's name
        self.what_ifs.append(getattr(order, "whatIf", False))
        loop = asyncio.get_running_loop()
        for message in self._said:
            loop.call_soon(self._session.receive, message)


@pytest.fixture
def make_session() -> Callable[..., tuple[GatewaySession, _Script]]:
    """Builds a session whose gateway says these things about what-if number 7."""

    def make(*said: Message) -> tuple[GatewaySession, _Script]:
        settings = IBKRConnectionSettings(
            host="h", port=1, client_id=5, trading_mode="paper", request_timeout_seconds=0.05
        )
        session = GatewaySession(settings, lambda: datetime(2026, 11, 20, tzinfo=UTC))
        script = _Script(session, list(said))
        session.raw = script
        return session, script

    return make


def _told(**changes: object) -> WhatIfTold:
    state = OrderState(
        status="PreSubmitted",
        initMarginChange="450",
        initMarginAfter="25450",
        maintMarginAfter="20000",
        equityWithLoanAfter="150000",
        commission=1.0,
    )
    for name, value in changes.items():
        setattr(state, name, value)
    return what_if_told(7, state)


async def test_margins_come_as_numbers(client: IBKRClient, world: World, order: Ask) -> None:
    """Half of 10 TLT at 90, on top of what is held; the commission is the broker's estimate."""
    effect = await client.what_if(order())

    assert effect.initial_margin_after == Decimal(25_450)
    assert effect.maintenance_margin_after == Decimal(25_450)
    assert (effect.equity_with_loan_after, effect.commission, effect.warning) == (150_000, 1, "")
    assert world.journal.of("place_order") == []


async def test_asking_leaves_nothing_behind(client: IBKRClient, world: World, order: Ask) -> None:
    """No order, no fill, and the next order is an ordinary one."""
    await client.what_if(order())

    result = await client.await_order(await client.place_order(order()), timeout_seconds=2)

    assert result.filled_quantity == 10
    assert len(world.journal.of("what_if")) == len(world.journal.of("place_order")) == 1


async def test_many_may_ask_side_by_side(client: IBKRClient, order: Ask) -> None:
    """Answers find their questions."""
    effects = await asyncio.gather(*(client.what_if(order(quantity=number)) for number in range(1, 11)))

    assert [effect.initial_margin_after for effect in effects] == [25_000 + 45 * number for number in range(1, 11)]


async def test_what_would_be_refused_is_refused(client: IBKRClient, world: World, order: Ask) -> None:
    """With the broker's words, for margin and for cash accounts, and nothing is sent."""
    with pytest.raises(OrderRejected, match=r"DU1: 201: .*\w"):
        await client.what_if(order(quantity=1_000_000))
    with pytest.raises(OrderRejected, match=r"DU2: 201: .*\w"):
        await client.what_if(order(quantity=100, account_id="DU2"))

    assert world.journal.of("place_order") == []


async def test_a_read_only_gateway_refuses(open_client: Connect, world: World, order: Ask) -> None:
    """It answers 321, which ib_async takes for a warning and waits for ever."""
    client = await open_client()
    world.set_read_only(True)

    with pytest.raises(OrderRejected, match="321"):
        await asyncio.wait_for(client.what_if(order()), 1)


async def test_the_guards_of_orders_hold(client: IBKRClient, order: Ask) -> None:
    """Accounts of others and unknown symbols are refused here."""
    with pytest.raises(AccountRefused, match="DU999"):
        await client.what_if(order(account_id="DU999"))
    with pytest.raises(ContractUnknown, match="NOPE"):
        await client.what_if(order(symbol="NOPE"))


async def test_a_market_on_close_order_can_be_asked_about(client: IBKRClient, order: Ask) -> None:
    """As any other."""
    effect = await client.what_if(order(order_type=OrderType.MARKET_ON_CLOSE))

    assert effect.initial_margin_after == Decimal(25_450)


async def test_silence_is_no_answer(open_client: Connect, gateway: GatewayServer, order: Ask) -> None:
    """A gateway that does not answer gives no margins, in bounded time."""
    client = await open_client(request_timeout_seconds=0.2)
    await client.what_if(order())
    gateway.freeze()

    with pytest.raises(BrokerAPIError, match="no margins"):
        await asyncio.wait_for(client.what_if(order()), 1)


async def test_a_cut_ends_the_question(client: IBKRClient, gateway: GatewayServer, order: Ask) -> None:
    """Long before its time is over."""
    await client.what_if(order())
    gateway.freeze()
    asking = asyncio.ensure_future(client.what_if(order()))
    await asyncio.wait({asking}, timeout=0.05)
    await gateway.drop_connections()

    with pytest.raises(BrokerConnectionError):
        await asyncio.wait_for(asking, 1)


async def test_an_answer_without_margins_is_waited_over(
    make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask
) -> None:
    """The gateway may answer twice, first with 1.797e308 everywhere."""
    first = _told(initMarginChange=str(UNSET), initMarginAfter=str(UNSET), maintMarginAfter="", commission=UNSET)
    session, script = make_session(first, _told())

    effect = await ask_margin_effect(session, STOCK, order())

    assert effect.initial_margin_after == Decimal(25_450)
    assert script.what_ifs == [True]


async def test_unset_margins_are_no_margins(
    make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask
) -> None:
    """They are never taken for numbers."""
    session, _ = make_session(_told(initMarginAfter=str(UNSET), warningText="try later"))

    with pytest.raises(BrokerAPIError, match="try later"):
        await ask_margin_effect(session, STOCK, order())


async def test_an_unset_commission_is_the_highest_or_none(
    make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask
) -> None:
    """Where the gateway gives a range it leaves the commission itself open."""
    ranged, _ = make_session(_told(commission=UNSET, minCommission=0.4, maxCommission=1.1))
    unknown, _ = make_session(_told(commission=UNSET))

    assert (await ask_margin_effect(ranged, STOCK, order())).commission == Decimal("1.1")
    assert (await ask_margin_effect(unknown, STOCK, order())).commission == 0


@pytest.mark.parametrize("status", ["Inactive", "Cancelled", "ApiCancelled"])
async def test_a_dead_answer_is_a_refusal(
    make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask, status: str
) -> None:
    """Whatever margins it carries."""
    session, _ = make_session(_told(status=status, warningText="not accepted"))

    with pytest.raises(OrderRejected, match="not accepted"):
        await ask_margin_effect(session, STOCK, order())


async def test_more_margin_than_equity_is_a_refusal(
    make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask
) -> None:
    """Also where the gateway says it in the figures alone; an order that lowers the margin is never refused so."""
    opening, _ = make_session(_told(equityWithLoanAfter="25449"))
    closing, _ = make_session(_told(equityWithLoanAfter="25449", initMarginChange="-450"))

    with pytest.raises(OrderRejected, match="25449 USD is below initial margin 25450"):
        await ask_margin_effect(opening, STOCK, order())
    effect = await ask_margin_effect(closing, STOCK, order(side=Side.SELL))
    assert effect.equity_with_loan_after == Decimal(25_449)


async def test_a_warning_is_no_refusal(make_session: Callable[..., tuple[GatewaySession, _Script]], order: Ask) -> None:
    """It is handed on; notices about the request change nothing."""
    notice = ErrorTold(7, 399, "will not be placed until 09:30")
    session, _ = make_session(notice, ErrorTold(8, 201, "of another"), _told(warningText="large order"))

    assert (await ask_margin_effect(session, STOCK, order())).warning == "large order"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1.5", "1.5"),
        (2.0, "2"),
        ("-3", "-3"),
        ("0", "0"),
        ("", None),
        (UNSET, None),
        (str(UNSET), None),
        ("nan", None),
    ],
)
def test_numbers_that_the_gateway_does_not_know_are_none(written: float | str, number: str | None) -> None:
    """Empty and 1.797e308 both mean: not known."""
    assert known_number(written) == (None if number is None else Decimal(number))
