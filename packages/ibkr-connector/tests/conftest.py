"""A simulated gateway and clients of it. Values are plain: tests annotate them with the packages' own types."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from broker_connector_base import OrderRequest, OrderType, Side, TimeInForce
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from sandbox.gateway import GatewayServer
from sandbox.world import World

CLIENT_ID = 5


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the simulated gateway keeps real time


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Two accounts, margin and cash, and a market that never closes."""
    world = World.from_dict(
        {
            "accounts": [
                {"id": "DU1", "cash": "100000", "positions": [{"symbol": "SPY", "quantity": "100"}]},
                {"id": "DU2", "cash": "5000", "settled_cash": "3000", "kind": "cash"},
            ],
            "instruments": [
                {"symbol": "SPY", "price": "500", "spread": "0.02"},
                {"symbol": "TLT", "price": "90", "spread": "0.02"},
            ],
            "fx": {"EUR": "1.10"},
            "commission": {"minimum": "1"},
        },
    )
    yield world
    world.close()


@pytest.fixture
async def gateway(world: World) -> AsyncIterator[GatewayServer]:
    """The gateway of that world on a free port."""
    async with GatewayServer(world) as server:
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """Every pause that a client made, in seconds."""
    return []


@pytest.fixture
def make_client(gateway: GatewayServer, pauses: list[float]) -> Callable[..., IBKRClient]:
    """Builds clients of the gateway that are quick to give up; keyword arguments replace settings."""

    async def record(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)  # noqa: TID251 - lets others run, waits for nothing

    def make(pause: Callable[[float], Awaitable[None]] = record, **changes: Any) -> IBKRClient:
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": gateway.port,
            "client_id": CLIENT_ID,
            "trading_mode": "paper",
            "connect_timeout_seconds": 5.0,
            "request_timeout_seconds": 2.0,
            "price_wait_seconds": 1.0,
            "settle_timeout_seconds": 2.0,
            "message_grace_seconds": 0.2,
            "commission_wait_seconds": 0.2,
            "acknowledgement_seconds": 0.3,
        }
        return IBKRClient(IBKRConnectionSettings(**(values | changes)), now=_utc_now, pause=pause)

    return make


@pytest.fixture
async def open_client(
    make_client: Callable[..., IBKRClient],
) -> AsyncIterator[Callable[..., Awaitable[IBKRClient]]]:
    """Builds and connects clients, which are disconnected after the test."""
    clients: list[IBKRClient] = []

    async def connect(**changes: Any) -> IBKRClient:
        client = make_client(**changes)
        clients.append(client)
        await client.connect()
        return client

    yield connect
    for client in clients:
        await client.disconnect()


@pytest.fixture
async def client(open_client: Callable[..., Awaitable[IBKRClient]]) -> IBKRClient:
    """A connected client."""
    return await open_client()


@pytest.fixture
def order() -> Callable[..., OrderRequest]:
    """Builds a buy of 10 TLT at the market for DU1; keyword arguments replace fields."""

    def make(**changes: Any) -> OrderRequest:
        values: dict[str, Any] = {
            "account_id": "DU1",
            "symbol": "TLT",
            "side": Side.BUY,
            "quantity": 10,
            "order_type": OrderType.MARKET,
            "time_in_force": TimeInForce.DAY,
            "order_ref": "event-1:1:BUY:TLT",
        }
        return OrderRequest(**(values | changes))

    return make
