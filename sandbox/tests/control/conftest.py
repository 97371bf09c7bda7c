"""The control API over a real world, a real gateway and a real Ably service."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from sandbox.ably import AblyServer
from sandbox.allocations import AllocationBook, AllocationsSpec
from sandbox.control import ControlApi
from sandbox.gateway import GatewayServer
from sandbox.world import World

WORLD: dict[str, Any] = {
    "accounts": [
        {"id": "DU1", "cash": "10000", "positions": [{"symbol": "SPY", "quantity": 10, "avg_cost": 400}]},
        {"id": "DU2", "cash": "500.25"},
    ],
    "instruments": [{"symbol": "SPY", "price": "500"}, {"symbol": "QQQ", "price": "400"}],
}


@dataclass
class Rig:
    """The pieces behind the control API, and clients from this and from another machine."""

    world: World
    ably: AblyServer
    book: AllocationBook
    gateway: GatewayServer
    http: httpx.AsyncClient
    stranger: httpx.AsyncClient


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """A control API and all that it steers."""
    async with AsyncExitStack() as stack:
        world = World.from_dict(WORLD)
        stack.callback(world.close)
        ably = await stack.enter_async_context(AblyServer())
        book = AllocationBook(AllocationsSpec.model_validate({"channels": {"growth": {"SPY": 1.0}}}))
        gateway = await stack.enter_async_context(GatewayServer(world))
        app = Starlette(routes=ControlApi(world=world, gateway=gateway, ably=ably, book=book).routes())
        http = await stack.enter_async_context(_client(app, "127.0.0.1"))
        stranger = await stack.enter_async_context(_client(app, "10.0.0.5"))
        yield Rig(world, ably, book, gateway, http, stranger)


def _client(app: Starlette, host: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(host, 1)), base_url="http://sandbox")
