"""The whole outside world in one object."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from starlette.applications import Starlette

from sandbox.ably import AblyServer
from sandbox.allocations import AllocationBook, AllocationsApi
from sandbox.control import ControlApi
from sandbox.gateway import GatewayServer
from sandbox.launcher.endpoints import Endpoints
from sandbox.launcher.spec import SandboxSpec
from sandbox.listener import Listener
from sandbox.world import World

Source = SandboxSpec | Mapping[str, Any] | Path


class Sandbox:
    """Gateway, Ably, allocations API and control API over one world; an async context manager.

    `source` is a specification, a mapping, or the path of a YAML file. A port of 0 takes any free one. The pieces are
    there for tests in the same process (`world`, `gateway`, `ably`, `allocations`); everybody else uses `control_url`.

    Raises:
        SpecError: by the constructor, when the specification is wrong.
        OSError: on entering, when a port is taken; nothing is left running then.
    """

    def __init__(
        self,
        source: Source,
        *,
        host: str = "127.0.0.1",
        gateway_port: int = 0,
        ably_port: int = 0,
        http_port: int = 0,
    ) -> None:
        self.spec = _read(source)
        self.world = World(self.spec.world)
        self.gateway = GatewayServer(self.world, host, gateway_port)
        self.ably = AblyServer(self.spec.ably, host=host, port=ably_port)
        self.allocations = AllocationBook(self.spec.allocations)
        self._http = Listener(self._build_app(), host, http_port)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            starting.callback(self.world.close)
            await starting.enter_async_context(self.gateway)
            await starting.enter_async_context(self.ably)
            await self._http.start()
            starting.push_async_callback(self._http.stop)
            self._stack = starting.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    @property
    def gateway_port(self) -> int:
        """Where the gateway speaks the TWS protocol."""
        return self.gateway.port

    @property
    def ably_port(self) -> int:
        """Where Ably speaks websocket and REST."""
        return self.ably.port

    @property
    def http_port(self) -> int:
        """Where the allocations API and the control API are."""
        return self._http.port

    @property
    def allocations_base_url(self) -> str:
        """What stands before `/{channel}/allocations`."""
        return f"http://127.0.0.1:{self.http_port}/api/v1"

    @property
    def control_url(self) -> str:
        """What stands before every route of the control API."""
        return f"http://127.0.0.1:{self.http_port}/control"

    @property
    def endpoints(self) -> Endpoints:
        """All addresses; complete once the sandbox has been entered."""
        return Endpoints(
            gateway_port=self.gateway_port,
            ably_port=self.ably_port,
            http_port=self.http_port,
            ably_endpoint=f"127.0.0.1:{self.ably_port}/",
            allocations_base_url=self.allocations_base_url,
            control_url=self.control_url,
        )

    def _build_app(self) -> Starlette:
        control = ControlApi(world=self.world, gateway=self.gateway, ably=self.ably, book=self.allocations)
        return Starlette(routes=[*AllocationsApi(self.allocations).routes(), *control.routes()])


def _read(source: Source) -> SandboxSpec:
    if isinstance(source, SandboxSpec):
        return source
    return SandboxSpec.from_yaml(source) if isinstance(source, Path) else SandboxSpec.from_dict(source)
