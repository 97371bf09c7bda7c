"""The simulated world as scenarios steer and read it, with a sandbox of this process's own."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest

from rebalancer_cli.scenarios.catalogue.every import EVERY_SCENARIO
from rebalancer_cli.scenarios.setting import scenario_account, scenario_world
from rebalancer_cli.scenarios.world_control import WorldControl
from sandbox.launcher import Sandbox

ACCOUNT = scenario_account().account_id
CHANNEL = scenario_account().channel


@pytest.fixture
async def sandbox() -> AsyncGenerator[Sandbox]:
    """The world of a scenario in which a sell of SPY is rejected."""
    async with Sandbox(scenario_world(EVERY_SCENARIO["reject"])) as sandbox:
        yield sandbox


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncGenerator[WorldControl]:
    """A client of its control API."""
    async with WorldControl(sandbox.control_url) as control:
        yield control


def order(symbol: str, side: str) -> dict[str, object]:
    return {"account": ACCOUNT, "symbol": symbol, "side": side, "quantity": 3, "limit_price": 1, "client_id": 77}


async def test_the_journal_tells_of_an_accounts_orders(control: WorldControl) -> None:
    """Each entry with its client, side and shares."""
    await control.change("POST", "orders", order("BND", "BUY"))

    placed, accepted = (await control.journal(ACCOUNT))[:2]
    assert (placed.kind, placed.client_id, placed.side) == ("place_order", 77, "BUY")
    assert (placed.quantity, placed.symbol) == (3, "BND")
    assert (accepted.kind, accepted.seq > placed.seq) == ("order_accepted", True)
    assert await control.journal("DU9999999") == []


async def test_a_rejected_order_is_not_in_the_market(control: WorldControl) -> None:
    """One that rests is counted, one that is left Inactive is not."""
    await control.change("POST", "orders", order("BND", "BUY"))
    await control.change("POST", "orders", order("SPY", "SELL"))

    assert await control.open_orders(ACCOUNT) == 1


async def test_weights_are_none_when_the_api_answers_something_else(control: WorldControl) -> None:
    """Weights as they are published; nothing for an answer without any."""
    published = await control.weights_or_none(CHANNEL)
    await control.change("PUT", f"allocations/{CHANNEL}", {"kind": "garbage"})

    assert sum(published.values()) == 1
    assert await control.weights_or_none(CHANNEL) == {}


async def test_the_world_tells_its_time_before_anything_has_happened(sandbox: Sandbox, control: WorldControl) -> None:
    """To the second; an order that comes next is not older."""
    told = await control.now()
    await control.change("POST", "orders", order("BND", "BUY"))

    assert told - timedelta(seconds=1) <= list(sandbox.world.journal)[-1].at
    assert told.utcoffset() == timedelta(0)


async def test_the_gateway_goes_down_and_up(sandbox: Sandbox, control: WorldControl) -> None:
    """Nobody can connect while it is down; it comes back on the same port."""
    port = sandbox.gateway_port

    await control.gateway("down")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    await control.gateway("up")
    _, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.close()
    assert sandbox.gateway_port == port
