"""Ending a session, whatever the SDK does with a cancellation."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from event_broker.ably_ending import EndingKind
from event_broker.ably_health import AblyHealth
from event_broker.ably_session import AblySession
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_link import Surroundings
from event_broker.channel_router import ChannelRouter
from event_broker.continuity import Continuity, log_interruption
from event_broker.testing.listening_rig import SHORT, accounts_on
from event_broker.testing.recording_intake import RecordingIntake
from event_queue.progress import Progress
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


class EndingConnection(CancellationLosingConnection):
    """Fails while it is asked for a sign of life, and gives it all the same."""

    def on(self, listener: Callable[[Any], None]) -> None:
        """Keep whom to tell."""
        self._tell = listener

    async def ping(self) -> None:
        """Answer after the end."""
        state, before = SimpleNamespace(value="failed"), SimpleNamespace(value="connected")
        self._tell(SimpleNamespace(previous=before, current=state, reason=None))


class WaitingChannel:
    """A channel that nothing is heard of, and whoever gives it out."""

    _on_message = None

    def get(self, _name: str, **_options: object) -> "WaitingChannel":
        """Give it out."""
        return self

    def on(self, _listener: object = None) -> None:
        """Nothing ever changes."""

    off = unsubscribe = release = on

    async def subscribe(self, *_listener: object) -> None:
        """Wait for an answer that never comes."""
        await asyncio.Event().wait()


async def test_a_sign_of_life_that_comes_after_the_end_says_nothing_of_the_channels() -> None:
    """What the connection lost on the way is a gap; nobody listened until then."""
    clock, reached = SystemClock(), list[Progress]()
    inbox = ChannelInbox(ChannelRouter(RecordingIntake(), accounts_on(DU1="growth"), clock), reached.append)

    async def close() -> None:
        """Nothing is open."""

    client: Any = SimpleNamespace(connection=EndingConnection(), channels=WaitingChannel(), close=close)
    continuity = Continuity(clock, log_interruption)
    health = AblyHealth(["growth"], continuity, clock)
    health.channel_is("growth", "attached")
    around = Surroundings(health, continuity, clock, replace(SHORT, ping_interval_seconds=0.001), "2m")

    ending = await asyncio.wait_for(AblySession(client, {"growth": inbox}, around).run(), 10)

    assert ending.kind is EndingKind.REFUSED
    assert reached == []
