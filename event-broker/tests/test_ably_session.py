"""Ending a session, whatever the SDK does with a cancellation."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from event_broker.ably_health import AblyHealth
from event_broker.ably_session import AblySession
from event_broker.channel_link import Surroundings
from event_broker.continuity import Continuity, log_interruption
from event_broker.testing.listening_rig import SHORT
from service_runtime.clock import SystemClock


class CancellationLosingConnection:
    """Connected for ever; its ping answers just when it is cancelled, and forgets the cancellation."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(value="connected")
        self.connection_manager = SimpleNamespace(transport=None)
        self.pinged = asyncio.Event()

    def on(self, listener: Callable[[Any], None]) -> None:
        """Nothing ever changes."""

    def off(self) -> None:
        """Nobody listens."""

    async def ping(self) -> None:
        """Answer when cancelled."""
        self.pinged.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return


async def test_a_session_ends_although_a_ping_loses_the_cancellation() -> None:
    """The watchdog sees for itself that the session is over."""
    connection, clock, closed = CancellationLosingConnection(), SystemClock(), asyncio.Event()

    async def close() -> None:
        closed.set()

    client: Any = SimpleNamespace(connection=connection, close=close)
    continuity = Continuity(clock, log_interruption)
    timing = replace(SHORT, ping_interval_seconds=0.001, request_seconds=60)
    around = Surroundings(AblyHealth([], continuity, clock), continuity, clock, timing, "2m")
    running = asyncio.create_task(AblySession(client, {}, around).run())
    await connection.pinged.wait()

    running.cancel()
    await asyncio.wait({running}, timeout=5)

    assert running.cancelled()
    assert closed.is_set()
