"""The heart of the service: channels, who is attached to them, and the way of a message to its subscribers."""

import asyncio
import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

from sandbox.ably.auth import KeyRing
from sandbox.ably.channel_log import ChannelLog
from sandbox.ably.codec import Wire
from sandbox.ably.connections import ConnectionRegistry
from sandbox.ably.messages import Draft, Message, check_size
from sandbox.ably.spec import AblySpec


class Peer(Protocol):
    """A connected client."""

    @property
    def key_name(self) -> str:
        """The key behind its key or token."""
        ...

    def deliver(self, log: ChannelLog, batch: Sequence[Message]) -> None:
        """Take the messages of one publish; must not block."""
        ...

    def end(self, frame: Wire) -> None:
        """Send one last protocol message and close the socket."""
        ...


class Hub:
    """State shared by every websocket and REST request of one service."""

    def __init__(self, spec: AblySpec, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.clock = clock
        self.keys = KeyRing(spec.keys, clock)
        self.connections = ConnectionRegistry(spec.connection_state_ttl_seconds, clock)
        self.peers: set[Peer] = set()
        self._logs: dict[str, ChannelLog] = {}
        self._subscribers: dict[str, list[Peer]] = {}
        self._changed = asyncio.Event()
        self._server_id = secrets.token_urlsafe(8)
        self._serials = itertools.count()

    def log(self, channel: str) -> ChannelLog:
        """The messages of the channel, which comes into being with the first look."""
        if channel not in self._logs:
            self._logs[channel] = ChannelLog(channel, self.spec.retention_of(channel), self.clock)
        return self._logs[channel]

    def publish(
        self, channel: str, drafts: Sequence[Draft], *, connection_id: str | None = None, serial: int | None = None
    ) -> tuple[Message, ...]:
        """Put the drafts on the channel and hand the new ones to its subscribers; returns a message for each draft.

        Ids are `connectionId:serial:index` where the publisher gave none; a repeated id is accepted and not delivered.
        """
        check_size(list(drafts))
        number = next(self._serials) if serial is None else serial
        publish_id = f"{connection_id or self._server_id}:{number}"
        log = self.log(channel)
        appended = log.append(drafts, publish_id=publish_id, connection_id=connection_id)
        if appended.added:
            for subscriber in tuple(self._subscribers.get(channel, ())):
                subscriber.deliver(log, appended.added)
        return appended.published

    def attach(self, channel: str, subscriber: Peer) -> None:
        """Deliver the channel's messages to the subscriber from now on."""
        present = self._subscribers.setdefault(channel, [])
        if subscriber not in present:
            present.append(subscriber)
        self._announce_change()

    def detach(self, channel: str, subscriber: Peer) -> None:
        """Deliver no more."""
        present = self._subscribers.get(channel, [])
        if subscriber in present:
            present.remove(subscriber)
        self._announce_change()

    def attached(self, channel: str) -> int:
        """How many clients are attached to the channel."""
        return len(self._subscribers.get(channel, ()))

    def attached_channels(self) -> dict[str, int]:
        """Every channel with an attached client, and how many there are."""
        return {channel: len(present) for channel, present in self._subscribers.items() if present}

    async def wait_attached(self, channel: str, count: int) -> None:
        """Return as soon as at least `count` clients are attached; for 0, as soon as nobody is."""
        while not (self.attached(channel) >= count > 0 or (count == 0 and self.attached(channel) == 0)):
            await self._changed.wait()

    def _announce_change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
