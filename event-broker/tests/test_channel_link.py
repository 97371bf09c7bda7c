"""What one channel does with what the SDK tells it, in the order in which it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from event_broker.ably_health import AblyHealth
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_link import ChannelLink, Surroundings
from event_broker.channel_router import ChannelRouter
from event_broker.continuity import Continuity, log_interruption
from event_broker.testing.listening_rig import SHORT, accounts_on
from event_broker.testing.recording_intake import RecordingIntake
from event_broker.until_stopped import end_task
from event_queue.progress import Progress
from service_runtime.clock import SystemClock

CHANNEL = "growth"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@dataclass
class ScriptedChannel:
    """A channel of the SDK that the test speaks for."""

    state: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(value="attached"))
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[Callable[[Any], None]] = field(default_factory=list[Callable[[Any], None]])

    def get(self, _name: str, **_options: object) -> "ScriptedChannel":
        """Give it out as the only one."""
        return self

    def on(self, listener: Callable[[Any], None]) -> None:
        """Take the listener of states."""
        self.heard.append(listener)

    def off(self) -> None:
        """Nobody listens any more."""

    def unsubscribe(self) -> None:
        """Nobody listens any more."""

    async def subscribe(self, *names_and_listener: Any) -> None:
        """Take a listener of messages; the last one hears of all."""
        if len(names_and_listener) == 1:
            self.heard.append(names_and_listener[0])
            self.listening.set()

    def _on_message(self, frame: object) -> None:
        """Where the SDK decodes."""

    def attached(self, *, resumed: bool) -> None:
        """Tell that the channel is attached."""
        state = SimpleNamespace(value="attached")
        self.heard[0](SimpleNamespace(current=state, reason=None, resumed=resumed))

    def carries(self, number: int) -> None:
        """A message comes."""
        at = (NOW + timedelta(seconds=number)).timestamp() * 1000
        self.heard[1](SimpleNamespace(id=f"m{number}", data={}, encoding="", timestamp=at))


async def test_a_message_right_after_a_lost_continuity_moves_no_progress() -> None:
    """It may be told before the client is given up, and lies behind the gap that nobody has read yet."""
    clock, scripted, reached, lost = SystemClock(), ScriptedChannel(), list[Progress](), list[str]()
    inbox = ChannelInbox(ChannelRouter(RecordingIntake(), accounts_on(DU1=CHANNEL), clock), reached.append)
    continuity = Continuity(clock, log_interruption)
    health = AblyHealth([CHANNEL], continuity, clock)
    around = Surroundings(health, continuity, clock, SHORT, "2m", lambda _channel: inbox.hold())
    client = SimpleNamespace(channels=scripted)
    link = ChannelLink(client, CHANNEL, inbox, around, lambda: lost.append(CHANNEL))
    attaching = asyncio.create_task(link.keep_attached())
    await scripted.listening.wait()
    taking = asyncio.create_task(inbox.run_until(asyncio.Event()))

    scripted.attached(resumed=False)
    inbox.settle((), heard_until=NOW)
    scripted.carries(1)
    await inbox.wait_empty()
    scripted.attached(resumed=False)
    scripted.carries(9)
    await inbox.wait_empty()

    for task in (attaching, taking):
        await end_task(task)
    assert lost == [CHANNEL]
    assert [progress.message_id for progress in reached] == [None, "m1"]
    assert inbox.backlog == 1
