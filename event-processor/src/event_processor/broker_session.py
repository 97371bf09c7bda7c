"""One connection to a brokerage: opened when needed, watched, reopened, and never in the way of the queue."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import structlog

from broker_connector_base import BrokerClient, BrokerConnectionError
from event_queue.components import ComponentReport, ComponentState
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

GATEWAY: Final = "gateway"
"""The name under which the connection is reported."""


class BrokerSession:
    """Keeps a BrokerClient connected. Several events and the watch may ask for it at once; one of them connects."""

    def __init__(self, broker: BrokerClient, clock: Clock, *, reconnect_seconds: float) -> None:
        self._broker = broker
        self._clock = clock
        self._reconnect_seconds = reconnect_seconds
        self._connecting = asyncio.Lock()
        self._accounts: frozenset[str] = frozenset()
        self._trouble = "not connected yet"
        self._heard_at: datetime | None = None
        """When the connection before this one was last heard of."""
        self._listener: Callable[[], None] = _nobody
        self._connections = 0
        self._opened = asyncio.Condition()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called when the connection opens, fails or breaks, so that a report can follow at once."""
        self._listener = listener

    async def client(self) -> BrokerClient:
        """The connected client.

        Raises:
            BrokerConnectionError: the brokerage cannot be reached.
        """
        async with self._connecting:
            if not self._broker.health().connected:
                await self._connect()
        return self._broker

    async def connection(self, *, after: int = 0) -> tuple[int, BrokerClient]:
        """Wait until more connections than `after` have been opened; how many, and the client. Opens none itself."""
        async with self._opened:
            await self._opened.wait_for(lambda: self._connections > after)
        return self._connections, self._broker

    async def watch(self) -> None:
        """Connect in the background, notice when the connection breaks, and connect again; runs until cancelled."""
        while True:
            try:
                await self.client()
            except BrokerConnectionError as error:
                _end_if_cancelled(error)
                _log.warning("gateway_unreachable", reason=str(error), next_try_seconds=self._reconnect_seconds)
                await self._clock.pause(self._reconnect_seconds)
            else:
                await self._broker.wait_until_lost()
                self._heard_at = self._broker.health().last_heard_at
                self._trouble = "the connection was lost"
                self._listener()
                _log.warning("gateway_lost", detail=self._broker.health().detail)

    async def close(self) -> None:
        """End the session; orders at the brokerage live on."""
        await self._broker.disconnect()

    def report(self, now: datetime) -> ComponentReport:
        """The connection's state for /health."""
        health = self._broker.health()
        heard_at = health.last_heard_at or self._heard_at
        state, detail = ComponentState.OK, f"connected; accounts: {', '.join(sorted(self._accounts)) or 'none'}"
        if not health.connected:
            state, detail = ComponentState.DOWN, f"{self._trouble}: check that the gateway runs and is logged in"
        elif health.read_only:
            state, detail = (
                ComponentState.DEGRADED,
                "the gateway's API is read-only: orders are refused until it is not",
            )
        elif health.unreadable:
            state, detail = (
                ComponentState.DEGRADED,
                f"the gateway told what makes no sense, and no order is sent there meanwhile: {health.unreadable}",
            )
        facts: dict[str, Any] = {
            "connected": health.connected,
            "read_only": health.read_only,
            "accounts": sorted(self._accounts),
            "last_heard_at": heard_at.isoformat() if heard_at else None,
            "detail": health.detail,
        }
        return ComponentReport(GATEWAY, state, detail, facts, now)

    async def _connect(self) -> None:
        try:
            await self._broker.connect()
            self._accounts = await self._broker.get_managed_accounts()
        except BrokerConnectionError as error:
            self._trouble = str(error)
            self._listener()
            raise
        self._listener()
        async with self._opened:
            self._connections += 1
            self._opened.notify_all()
        _log.info("gateway_connected", accounts=sorted(self._accounts))


def _nobody() -> None:
    """Nobody listens yet."""


def _end_if_cancelled(error: BrokerConnectionError) -> None:
    """A cancellation that arrives while connecting may come out as a failure to connect; it still ends the task.

    Raises:
        CancelledError: the task has been asked to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from error
