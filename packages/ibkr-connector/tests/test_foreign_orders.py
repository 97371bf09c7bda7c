"""Cancelling what others have open on our accounts: other clients and people."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker_connector_base import (
    AccountRefused,
    BrokerConnectionError,
    CancellationUnconfirmed,
    ForeignOrderOpen,
    OpenOrder,
    OrderRequest,
    OrderStatus,
)
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from ibkr_connector.connection import open_session
from ibkr_connector.foreign_orders import ForeignCanceller
from ibkr_connector.line import Line
from ibkr_connector.owner_lines import OwnerLines
from ibkr_connector.session import GatewaySession
from sandbox.gateway import GatewayServer
from sandbox.world import World

Ask = Callable[..., OrderRequest]
Connect = Callable[..., Awaitable[IBKRClient]]
OTHER = 77
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


def _leave_open(world: World, symbol: str = "SPY", account: str = "DU1", client_id: int = OTHER) -> int:
    """Have another client place an order that stays open; returns its number."""
    world.add_fault({"kind": "slow_fill", "client_id": client_id, "times": 1})
    placed = world.place_foreign_order(client_id, account=account, symbol=symbol, side="BUY", quantity=Decimal(5))
    return placed.order_id


def _leave_open_by_hand(world: World) -> None:
    world.add_fault({"kind": "slow_fill", "times": 1})
    world.place_manual_order(account="DU1", symbol="SPY", side="SELL", quantity=Decimal(2))


async def _ours_working(client: IBKRClient, world: World, request: OrderRequest) -> str:
    world.add_fault({"kind": "slow_fill", "client_id": 5, "times": 1})
    order_id = await client.place_order(request)
    await client.await_order(order_id, timeout_seconds=0.05)
    return order_id


async def _only(client: IBKRClient) -> OpenOrder:
    (found,) = await client.get_open_orders("DU1")
    return found


def _visits(world: World) -> list[int | None]:
    """Client ids that connected after our own."""
    return [entry.client_id for entry in world.journal.of("connected")][1:]


async def test_another_clients_order_is_cancelled_under_its_id(
    client: IBKRClient, world: World, gateway: GatewayServer
) -> None:
    """A short connection under the owner's id does it, and gives the id back at once."""
    number = _leave_open(world)
    found = await _only(client)

    status = await client.cancel_order(found.order_id, timeout_seconds=5)

    assert (found.order_id, found.owner, found.is_ours) == (f"{OTHER}:{number}", str(OTHER), False)
    assert status is OrderStatus.CANCELLED
    assert await client.get_order_status(found.order_id) is OrderStatus.CANCELLED
    assert await client.get_open_orders("DU1") == ()
    assert (_visits(world), gateway.client_ids) == ([OTHER], (5,))


async def test_ours_of_the_same_number_lives_on(client: IBKRClient, world: World, order: Ask) -> None:
    """Numbers are each client's own: cancelling 77's order 9 leaves our order 9 alone."""
    ours = await _ours_working(client, world, order())
    number = ours.partition(":")[2]
    while str(_leave_open(world)) != number:
        pass
    theirs = f"{OTHER}:{number}"
    await client.get_open_orders("DU1")

    status = await client.cancel_order(theirs, timeout_seconds=5)

    (cancelled,) = world.journal.of("cancel_order")
    assert status is OrderStatus.CANCELLED
    assert (cancelled.client_id, str(cancelled.order_id)) == (OTHER, number)
    assert await client.get_order_status(ours) is OrderStatus.WORKING
    assert ours in [each.order_id for each in await client.get_open_orders("DU1")]


async def test_other_accounts_keep_their_orders(client: IBKRClient, world: World) -> None:
    """The same client's order on another account is not touched, and nothing is cancelled globally."""
    _leave_open(world)
    _leave_open(world, symbol="TLT", account="DU2")
    found = await _only(client)

    await client.cancel_order(found.order_id, timeout_seconds=5)

    (kept,) = await client.get_open_orders("DU2")
    assert (kept.account_id, kept.symbol) == ("DU2", "TLT")
    assert len(world.journal.of("cancel_order")) == 1
    assert world.journal.of("global_cancel") == []


async def test_an_order_placed_by_hand_is_cancelled_through_client_zero(
    client: IBKRClient, world: World, gateway: GatewayServer
) -> None:
    """Client 0 has it bound to itself, which gives it a number, and cancels that."""
    _leave_open_by_hand(world)
    found = await _only(client)

    status = await client.cancel_order(found.order_id, timeout_seconds=5)

    assert found.order_id.startswith("manual:")
    assert status is OrderStatus.CANCELLED
    assert await client.get_order_status(found.order_id) is OrderStatus.CANCELLED
    assert await client.get_open_orders("DU1") == ()
    assert (_visits(world), gateway.client_ids) == ([0], (5,))


async def test_a_bound_order_is_still_one_placed_by_hand(client: IBKRClient, world: World) -> None:
    """Once bound, it is listed under another number; both names lead to it."""
    _leave_open_by_hand(world)
    unbound = await _only(client)
    world.bind_manual_orders()
    bound = await _only(client)

    status = await client.cancel_order(unbound.order_id, timeout_seconds=5)

    assert bound.order_id != unbound.order_id
    assert not bound.is_ours
    assert status is OrderStatus.CANCELLED
    assert await client.get_open_orders("DU1") == ()


async def test_client_zero_owns_what_is_placed_by_hand(open_client: Connect, world: World) -> None:
    """The gateway binds orders typed into its window to client 0, which then cancels them as its own."""
    _leave_open_by_hand(world)
    client = await open_client(client_id=0)
    found = await _only(client)

    status = await client.cancel_order(found.order_id, timeout_seconds=2)

    assert found.is_ours
    assert status is OrderStatus.CANCELLED
    assert _visits(world) == []


async def test_an_owner_who_is_connected_is_named(client: IBKRClient, open_client: Connect, world: World) -> None:
    """Its id is in use, so the order must be cancelled there; nothing was sent, and nobody is thrown out."""
    number = _leave_open(world)
    owner = await open_client(client_id=OTHER)
    found = await _only(client)

    with pytest.raises(
        ForeignOrderOpen,
        match=rf"77:{number} \(BUY 5 SPY\) on DU1.*client id 77 is in use by another session; "
        rf"cancel order 77:{number} there",
    ):
        await client.cancel_order(found.order_id, timeout_seconds=5)

    assert world.journal.of("cancel_order") == []
    assert owner.health().connected
    assert await client.get_order_status(found.order_id) is OrderStatus.WORKING


async def test_orders_of_one_owner_share_a_connection(client: IBKRClient, world: World) -> None:
    """Five orders cancelled side by side take one visit under the owner's id."""
    numbers = [_leave_open(world) for _ in range(5)]
    await client.get_open_orders("DU1")

    statuses = await asyncio.gather(
        *(client.cancel_order(f"{OTHER}:{number}", timeout_seconds=5) for number in numbers)
    )

    assert statuses == [OrderStatus.CANCELLED] * 5
    assert _visits(world) == [OTHER]


async def test_orders_of_several_owners_are_cancelled_side_by_side(
    client: IBKRClient, world: World, order: Ask
) -> None:
    """Ours, two clients' and one by hand, all at once, each under its own id."""
    await _ours_working(client, world, order())
    _leave_open(world)
    _leave_open(world, client_id=78)
    _leave_open_by_hand(world)
    found = await client.get_open_orders("DU1")

    statuses = await asyncio.gather(*(client.cancel_order(each.order_id, timeout_seconds=5) for each in found))

    assert statuses == [OrderStatus.CANCELLED] * 4
    assert sorted(each for each in _visits(world) if each is not None) == [0, OTHER, 78]
    assert await client.get_open_orders("DU1") == ()


async def test_one_order_cancelled_by_two_callers_is_cancelled_once(client: IBKRClient, world: World) -> None:
    """The second request finds it being cancelled already; both callers learn the end."""
    world.add_fault({"kind": "slow_cancel", "after_ms": 200})
    _leave_open(world)
    found = await _only(client)

    statuses = await asyncio.gather(*(client.cancel_order(found.order_id, timeout_seconds=5) for _ in range(2)))

    assert statuses == [OrderStatus.CANCELLED] * 2
    assert _visits(world) == [OTHER]


async def test_one_visit_after_another_is_let_in(client: IBKRClient, world: World) -> None:
    """The id is free again after a visit, for us too."""
    for _ in range(3):
        _leave_open(world)
        found = await _only(client)
        assert await client.cancel_order(found.order_id, timeout_seconds=5) is OrderStatus.CANCELLED

    assert _visits(world) == [OTHER] * 3


async def test_pending_cancel_of_a_foreign_order_is_not_cancelled(
    client: IBKRClient, world: World, gateway: GatewayServer
) -> None:
    """Until the exchange confirms, the order may fill: no confirmation is an error, and the visit ends in time."""
    world.add_fault({"kind": "slow_cancel"})
    number = _leave_open(world)
    found = await _only(client)

    with pytest.raises(CancellationUnconfirmed, match=rf"77:{number}.*DU1.*PendingCancel"):
        await client.cancel_order(found.order_id, timeout_seconds=0.5)

    assert await client.get_order_status(found.order_id) is OrderStatus.WORKING
    assert (await _only(client)).status is OrderStatus.WORKING
    assert gateway.client_ids == (5,)


async def test_a_fill_may_win_the_race_for_a_foreign_order(client: IBKRClient, world: World) -> None:
    """It is told as filled, and its execution is among the account's."""
    world.add_fault({"kind": "fill_during_cancel"})
    _leave_open(world)
    found = await _only(client)

    status = await client.cancel_order(found.order_id, timeout_seconds=5)

    (fill,) = await client.get_fills("DU1")
    assert status is OrderStatus.FILLED
    assert (fill.symbol, fill.quantity) == ("SPY", Decimal(5))


async def test_a_foreign_order_that_has_ended_is_not_visited(client: IBKRClient, world: World) -> None:
    """Its owner was quicker: our own lists say so, and nobody is bothered."""
    number = _leave_open(world)
    found = await _only(client)
    world.cancel_order(OTHER, number)

    status = await client.cancel_order(found.order_id, timeout_seconds=5)

    assert status is OrderStatus.CANCELLED
    assert _visits(world) == []


async def test_a_cut_visit_confirms_nothing_by_itself(client: IBKRClient, world: World, gateway: GatewayServer) -> None:
    """When the short connection breaks, the main one's lists decide."""
    world.add_fault({"kind": "slow_cancel", "after_ms": 300})
    _leave_open(world)
    found = await _only(client)
    cancelling = asyncio.ensure_future(client.cancel_order(found.order_id, timeout_seconds=5))
    async with asyncio.timeout(2):
        while not world.journal.of("cancel_order"):
            await client.get_open_orders("DU1")
    await gateway.drop_connections()

    with pytest.raises(BrokerConnectionError):
        await cancelling

    await client.connect()
    assert await client.get_open_orders("DU2") == ()


async def test_an_order_on_an_account_of_somebody_else_is_refused(open_client: Connect, world: World) -> None:
    """Only accounts that this deployment may trade are cleared."""
    _leave_open(world)
    client = await open_client(trading_mode="live")

    with pytest.raises(AccountRefused, match="DU1"):
        await client.cancel_order(f"{OTHER}:1", timeout_seconds=5)

    assert world.journal.of("cancel_order") == []


async def test_a_caller_who_gives_up_leaves_no_visit_behind(
    client: IBKRClient, world: World, gateway: GatewayServer
) -> None:
    """A cancelled caller gives the owner's id back."""
    world.add_fault({"kind": "slow_cancel"})
    _leave_open(world)
    found = await _only(client)
    cancelling = asyncio.ensure_future(client.cancel_order(found.order_id, timeout_seconds=30))
    async with asyncio.timeout(2):
        while not world.journal.of("cancel_order"):
            await client.get_open_orders("DU1")

    cancelling.cancel()
    await asyncio.wait({cancelling})

    await client.get_open_orders("DU1")
    assert cancelling.cancelled()
    assert gateway.client_ids == (5,)


async def test_a_visit_shares_the_pace_of_our_own_line(gateway: GatewayServer) -> None:
    """All our connections together stay below the gateway's 50 messages a second: what one sends, the other saves."""
    here = await _session(gateway.port)
    async with OwnerLines(here, lambda: NOW).visit(OTHER) as visit:
        there = (await visit.line(timeout_seconds=5)).session
        sockets = here.raw.conn, there.raw.conn
        sent = here.raw.conn, there.raw.conn = _Sent(), _Sent()
        before = here.pace.written

        for _ in range(30):
            here.raw.sendMsg("ours")
            there.raw.sendMsg("theirs")

        assert before + sum(each.count for each in sent) == 45
        assert [each.count > 10 for each in sent] == [True, True]
        here.raw.conn, there.raw.conn = sockets
    await here.close("done")


class _Sent:
    """Stands in for a socket and counts what is sent."""

    def __init__(self) -> None:
        self.count = 0

    def sendMsg(self, _message: bytes) -> None:  # noqa: N802 - ib_async's name
        self.count += 1


async def test_an_order_that_its_owner_does_not_see_is_named(world: World, gateway: GatewayServer) -> None:
    """Under the owner's id stands, as far as that gateway knows, no such order: nothing is sent under any number."""
    _leave_open(world)
    elsewhere = World.from_dict({"accounts": [{"id": "DU1"}], "instruments": [{"symbol": "SPY", "price": "500"}]})
    _leave_open(elsewhere)
    elsewhere.cancel_order(OTHER, 1)
    async with GatewayServer(elsewhere) as other_gateway:
        here, there = await _session(gateway.port), await _session(other_gateway.port)
        line = Line.over(here)
        (listed,) = await line.requests.open_orders()

        with pytest.raises(ForeignOrderOpen, match="client id 77 does not see it"):
            await ForeignCanceller(line, OwnerLines(there, lambda: NOW)).cancel(
                here.orders.of_listing(listed), timeout_seconds=5
            )

        await there.close("done")
    await here.close("done")
    elsewhere.close()
    assert world.journal.of("cancel_order") == []
    assert [entry.order_id for entry in elsewhere.journal.of("cancel_order")] == [1]


async def _session(port: int) -> GatewaySession:
    settings = IBKRConnectionSettings(
        host="127.0.0.1", port=port, client_id=5, trading_mode="paper", message_grace_seconds=0.1
    )
    return await open_session(settings, now=lambda: NOW, pause=_never)


async def _never(_seconds: float) -> None:
    raise AssertionError("connected at the first try")
