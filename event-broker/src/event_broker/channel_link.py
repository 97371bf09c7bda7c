"""One channel on one client: attached within bounds, attached again after a refusal, heard in order."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from event_broker.ably_client import fault_of_change
from event_broker.ably_decoding import tolerate_undecodable
from event_broker.ably_health import ATTACHED, AblyHealth
from event_broker.ably_message import trigger_of
from event_broker.channel_inbox import ChannelInbox
from event_broker.continuity import Continuity
from event_broker.settings import AblyTiming
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)

_SUSPENDED: Final = "suspended"
_DEAD_STATES: Final = frozenset({"failed", _SUSPENDED, "detached"})


def _nothing(_channel: str) -> None:
    """No past is read."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all links of the process share, whatever client they are on."""

    health: AblyHealth
    continuity: Continuity
    clock: Clock
    timing: AblyTiming
    rewind: str
    begin_catch_up: Callable[[str], None] = _nothing
    """Called when a channel is attached without its past, before its first message."""


class ChannelLink:
    """Keeps one channel attached for as long as the client lives."""

    def __init__(
        self, client: Any, name: str, inbox: ChannelInbox, around: Surroundings, on_continuity_lost: Callable[[], None]
    ) -> None:
        """Take the SDK's client, the channel's name, where its messages go, and whom to tell of a lost continuity."""
        self._client = client
        self._name = name
        self._inbox = inbox
        self._around = around
        self._on_continuity_lost = on_continuity_lost
        self._was_attached = False
        self._is_dead = asyncio.Event()

    async def keep_attached(self) -> None:
        """Attach; when Ably refuses or detaches the channel, begin again with a new one after a pause."""
        while True:
            channel = self._client.channels.get(self._name, params={"rewind": self._around.rewind})
            try:
                await self._attach(channel)
                await self._is_dead.wait()
                await self._around.clock.pause(self._around.timing.retry_seconds)
            finally:
                _silence(channel)
            await self._release(channel)

    async def _attach(self, channel: Any) -> None:
        """Listen and attach; the outcome is told by the channel's states.

        Both listeners are there before the first message: the SDK registers a listener, then waits for the channel to
        be attached. What it raises while it waits is the state again, or a mistake of its own (a TypeError when Ably
        answers DETACHED), and when the key is refused it neither raises nor returns.
        """
        self._was_attached = False
        self._is_dead.clear()
        tolerate_undecodable(channel)
        channel.on(self._on_state)
        try:
            async with asyncio.timeout(self._around.timing.attach_seconds):
                await asyncio.gather(
                    channel.subscribe("error", _heard_by_the_other_listener),
                    channel.subscribe(self._on_message),
                    return_exceptions=True,
                )
        except TimeoutError:
            _log.warning("channel_attach_timed_out", channel=self._name, state=channel.state.value)
        if channel.state.value != ATTACHED:
            self._is_dead.set()

    async def _release(self, channel: Any) -> None:
        if channel.state.value == _SUSPENDED:
            await channel.detach()  # answered by the SDK itself; ends the timer that would attach the old channel
        self._client.channels.release(self._name)

    def _on_state(self, change: Any) -> None:
        state, fault = change.current.value, fault_of_change(change)
        self._around.health.channel_is(self._name, state, fault)
        if state in _DEAD_STATES:
            _log.warning("channel_down", channel=self._name, state=state, reason=str(fault) if fault else None)
            self._is_dead.set()
        elif state == ATTACHED:
            self._on_attached(resumed=change.resumed)

    def _on_attached(self, *, resumed: bool) -> None:
        if resumed:
            self._around.continuity.heard(self._name)
        else:
            self._around.begin_catch_up(self._name)
            self._tell_of_a_past_unheard()
        self._was_attached = True

    def _tell_of_a_past_unheard(self) -> None:
        if self._was_attached:
            self._on_continuity_lost()
        else:
            _log.info("channel_attached", channel=self._name)
            self._around.continuity.attached_anew(self._name)

    def _on_message(self, message: Any) -> None:
        """Take a message over; not a coroutine, as the SDK runs those side by side and out of order."""
        trigger = trigger_of(message, self._name, self._around.clock.now())
        self._around.continuity.message(trigger)
        self._inbox.put(trigger)


def _heard_by_the_other_listener(_message: Any) -> None:
    """Take a message named `error`.

    Without a listener of that very name the SDK's emitter raises, and the rest of the frame is lost.
    """


def _silence(channel: Any) -> None:
    """Hear nothing of a channel that is given up."""
    channel.off()
    channel.unsubscribe()
