"""Connecting, being refused, being cut, and what a client is told at once."""

import asyncio
import socket
from typing import Any

import pytest
from ib_async import MarketOrder, Stock

from sandbox.testing import RunningSandbox, connect_official, running_sandbox


async def test_a_client_learns_the_accounts_and_its_next_order_id(sandbox: RunningSandbox) -> None:
    """Both messages that make a client ready arrive at once."""
    ib = await sandbox.connect(client_id=5)

    assert ib.managedAccounts() == ["DU1"]
    assert ib.client.serverVersion() == 178
    assert sandbox.gateway.client_ids == (5,)


async def test_the_official_client_gets_the_older_version(sandbox: RunningSandbox) -> None:
    """The version is the highest that both sides know."""
    async with connect_official(sandbox.gateway.port, client_id=9) as client:
        assert client.api.serverVersion() == 157
        assert await client.heard("managedAccounts") == ("DU1",)


async def test_a_client_id_in_use_is_refused(sandbox: RunningSandbox) -> None:
    """The second client of an id hears 326 and is disconnected; the first stays."""
    first = await sandbox.connect(client_id=3)

    with pytest.raises((ConnectionError, TimeoutError)):
        await sandbox.connect(client_id=3, timeout_seconds=0.3)

    assert 326 in sandbox.codes
    assert first.isConnected()
    assert sandbox.gateway.client_ids == (3,)


async def test_more_than_fifty_messages_a_second_end_the_connection(sandbox: RunningSandbox) -> None:
    """A client without its own brake hears error 100 and is disconnected."""
    ib = await sandbox.connect()
    gone = asyncio.Event()
    ib.disconnectedEvent += gone.set
    wire: Any = ib.client
    wire.MaxRequests = 0

    for _ in range(60):
        wire.reqIds(1)

    await asyncio.wait_for(gone.wait(), 2)
    assert 100 in sandbox.codes


async def test_a_stranger_on_the_port_is_cut_and_the_gateway_lives_on(sandbox: RunningSandbox) -> None:
    """Whoever does not speak the protocol is disconnected without harm to others."""
    reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.gateway.port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")

    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)
    writer.close()

    assert (await sandbox.connect()).isConnected()


async def test_unknown_and_broken_messages_are_answered_with_errors(sandbox: RunningSandbox) -> None:
    """Neither a number that nobody knows nor a message that ends early ends the connection."""
    ib = await sandbox.connect()
    wire: Any = ib.client

    wire.send(4711, 1)
    wire.send(9, 8, 55)
    await ib.reqCurrentTimeAsync()

    assert sandbox.codes == [505, 320]


async def test_dropped_clients_may_come_back_with_their_orders(sandbox: RunningSandbox) -> None:
    """Orders outlive the connection; the same client id sees its own again, and a higher next id."""
    sandbox.world.add_fault({"kind": "slow_fill"})
    ib = await sandbox.connect(client_id=8)
    trade = ib.placeOrder(Stock("SPY", "SMART", "USD"), MarketOrder("BUY", 1, account="DU1", tif="DAY", orderRef="e"))
    await sandbox.world.journal.until(lambda entry: entry.kind == "order_accepted")

    await sandbox.gateway.drop_connections()
    again = await sandbox.connect(client_id=8)

    assert [(t.order.orderId, t.order.orderRef) for t in again.openTrades()] == [(trade.order.orderId, "e")]
    assert again.client.getReqId() > trade.order.orderId


async def test_a_gateway_that_is_down_refuses_and_comes_up_on_its_port(sandbox: RunningSandbox) -> None:
    """Down means that nobody listens."""
    port = sandbox.gateway.port
    await sandbox.connect()

    await sandbox.gateway.go_down()

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    await sandbox.gateway.come_up()
    assert sandbox.gateway.port == port
    assert (await sandbox.connect()).isConnected()


async def test_a_frozen_gateway_reads_but_does_not_answer(sandbox: RunningSandbox) -> None:
    """The connection looks alive while every request hangs, and answers again once thawed."""
    ib = await sandbox.connect()
    sandbox.gateway.freeze()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD")), 0.1)

    assert ib.isConnected()
    sandbox.gateway.thaw()
    assert len(await asyncio.wait_for(ib.reqContractDetailsAsync(Stock("SPY", "SMART", "USD")), 2)) == 1


async def test_a_frozen_gateway_leaves_new_connections_without_a_greeting(sandbox: RunningSandbox) -> None:
    """The socket opens, the handshake hangs."""
    sandbox.gateway.freeze()

    with pytest.raises(TimeoutError):
        await sandbox.connect(timeout_seconds=0.1)


async def test_events_between_1100_and_1102_are_lost_but_executions_tell(sandbox: RunningSandbox) -> None:
    """A fill during a lost link reaches the client only when it asks."""
    sandbox.world.add_fault({"kind": "slow_fill", "after_ms": 20})
    ib = await sandbox.connect()
    trade = ib.placeOrder(Stock("SPY", "SMART", "USD"), MarketOrder("BUY", 1, account="DU1", tif="DAY"))
    await sandbox.world.journal.until(lambda entry: entry.kind == "order_accepted")

    sandbox.gateway.broadcast(1100)
    await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
    sandbox.gateway.broadcast(1102)
    fills = await ib.reqExecutionsAsync()

    assert [code for code in sandbox.codes if code > 1000] == [1100, 1102]
    assert trade.orderStatus.status != "Filled"
    assert [fill.execution.shares for fill in fills] == [1]


async def test_executions_of_the_day_before_yesterday_are_told_no_more() -> None:
    """Each night cuts the connections; one night later yesterday's executions are still told."""
    told: list[int] = []
    async with running_sandbox() as sandbox:
        ib = await sandbox.connect()
        ib.placeOrder(Stock("SPY", "SMART", "USD"), MarketOrder("BUY", 1, account="DU1", tif="DAY"))
        await sandbox.world.journal.until(lambda entry: entry.kind == "fill")
        for client_id in (2, 3):
            await sandbox.gateway.begin_day()
            told.append(len(await (await sandbox.connect(client_id)).reqExecutionsAsync()))
        state = sandbox.world.account_state("DU1")

    assert told == [1, 0]
    assert len(state.fills) == 1


async def test_answers_keep_their_order_and_take_their_time() -> None:
    """With a latency every answer is late, none overtakes another."""
    async with running_sandbox(latency={"reply_ms": 30}) as sandbox:
        started = asyncio.get_running_loop().time()
        ib = await sandbox.connect()
        answers = [ib.reqContractDetailsAsync(Stock(s, "SMART", "USD")) for s in ("SPY", "TLT")]
        details = await asyncio.gather(*answers)

    assert asyncio.get_running_loop().time() - started >= 0.09
    assert [d[0].contract.symbol for d in details if d[0].contract] == ["SPY", "TLT"]
