"""The services as a scenario treats them: killed, started again, asked how they are."""

import contextlib
from types import TracebackType
from typing import Any, Self

import httpx

from rebalancer_cli.stack.running_stack import RunningStack

_TIMEOUT_SECONDS = 10


class ServiceControl:
    """A running system's processes and its HTTP API; what it started ends with it."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._started = contextlib.AsyncExitStack()
        self._http = httpx.AsyncClient(base_url=stack.api.base_url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._started.enter_async_context(self._http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._started.__aexit__(kind, error, trace)

    async def kill(self, name: str) -> None:
        """End a service with SIGKILL."""
        for process in self._stack.processes:
            if process.name == name:
                await process.kill()

    async def start(self, name: str) -> None:
        """Start a service again."""
        await self._started.enter_async_context(self._stack.start_service(name))

    async def health(self) -> tuple[int, dict[str, Any]]:
        """HTTP status and body of GET /health."""
        response = await self._http.get("/health")
        return response.status_code, response.json()
