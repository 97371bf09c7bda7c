"""A gateway over a world for the length of a test, and ib_async clients of it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from ib_async import IB, Contract

from sandbox.gateway import GatewayServer
from sandbox.world import World

_NOTICES = range(2100, 2200)
_TIMEOUT_SECONDS = 5.0

SPY = {"symbol": "SPY", "price": 500, "stock_type": "ETF"}
TLT = {"symbol": "TLT", "price": 90, "primary_exchange": "NASDAQ", "stock_type": "ETF"}
DEFAULTS: Mapping[str, Any] = {"accounts": [{"id": "DU1", "cash": 100_000}], "instruments": [SPY, TLT]}
"""One margin account with 100 000, SPY at 500, TLT at 90, always open."""


class RunningSandbox:
    """A gateway over a world, and what its ib_async clients heard in the way of errors."""

    def __init__(self, world: World, gateway: GatewayServer) -> None:
        self.world = world
        self.gateway = gateway
        self.errors: list[tuple[int, int, str]] = []
        self._clients: list[IB] = []

    async def connect(
        self,
        client_id: int = 1,
        *,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        version: int | None = None,
    ) -> IB:
        """A synchronized client, on request of an older protocol version.

        Its errors land in `errors` as request id, code, text; notices about farms do not.
        """
        ib = IB()
        if version is not None:
            ib.client.MaxClientVersion = version
        ib.errorEvent += self._on_error
        self._clients.append(ib)
        await ib.connectAsync(
            "127.0.0.1",
            self.gateway.port,
            clientId=client_id,
            timeout=timeout_seconds,
            raiseSyncErrors=True,
        )
        return ib

    @property
    def codes(self) -> list[int]:
        """The error codes heard so far."""
        return [code for _, code, _ in self.errors]

    def disconnect(self) -> None:
        """Disconnect every client."""
        for ib in self._clients:
            ib.disconnect()

    def _on_error(self, request_id: int, code: int, text: str, _contract: Contract | None) -> None:
        if code not in _NOTICES:
            self.errors.append((request_id, code, text))


@asynccontextmanager
async def running_sandbox(**spec: Any) -> AsyncGenerator[RunningSandbox]:
    """Serve a world with the keys of `WorldSpec`; what is not given is as in `DEFAULTS`."""
    world = World.from_dict({**DEFAULTS, **spec})
    async with GatewayServer(world) as gateway:
        running = RunningSandbox(world, gateway)
        try:
            yield running
        finally:
            running.disconnect()
            world.close()
