"""One client of the SDK, from its making to its end.

The SDK resumes a lost connection once, at once. Whatever goes beyond that is left to a new client with a rewind,
because the SDK's own states cannot be relied on: it may stay `connected` for ever on a dead socket, leave `failed`
again by itself, and wait without end.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from event_broker.ably_client import AblyFault, close_client, fault_of, fault_of_change
from event_broker.ably_ending import Ending, EndingKind
from event_broker.ably_health import CONNECTED
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_link import ChannelLink, Surroundings

_log = structlog.get_logger(__name__)


class AblySession:
    """Listens on every channel until the client is of no more use."""

    def __init__(self, client: Any, inboxes: Mapping[str, ChannelInbox], around: Surroundings) -> None:
        """Take over a client that has begun to connect; `run` closes it."""
        self._client = client
        self._inboxes = inboxes
        self._around = around
        self._ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    async def run(self) -> Ending:
        """Listen; returns why it ended, which health knows before the client is closed."""
        self._client.connection.on(self._on_connection)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(link.keep_attached()) for link in self._links()]
                tasks.append(group.create_task(self._watch()))
                ending = await self._ended
                self._around.health.ended(ending)
                for task in tasks:
                    task.cancel()
        finally:
            self._client.connection.off()
            await close_client(self._client, self._around.timing)
        return ending

    def _links(self) -> list[ChannelLink]:
        return [
            ChannelLink(self._client, name, inbox, self._around, self._on_continuity_lost)
            for name, inbox in self._inboxes.items()
        ]

    def _end(self, kind: EndingKind, fault: AblyFault | None = None) -> None:
        if not self._ended.done():
            self._ended.set_result(Ending(kind, fault))

    def _on_continuity_lost(self) -> None:
        self._end(EndingKind.CONTINUITY_LOST)

    def _on_connection(self, change: Any) -> None:
        previous, state, fault = change.previous.value, change.current.value, fault_of_change(change)
        _log.debug("ably_connection_state", previous=previous, state=state, reason=str(fault) if fault else None)
        match state:
            case "failed":
                self._end(EndingKind.REFUSED, fault)
            case "suspended" | "closing" | "closed":
                self._end(EndingKind.UNREACHABLE, fault)
            case "disconnected" if previous != CONNECTED:
                self._end(EndingKind.UNREACHABLE, fault)
            case _:
                self._around.health.connection_is(state)

    async def _watch(self) -> None:
        """Ask the connection for a sign of life again and again.

        Looks for the end itself too: the SDK's ping can lose a cancellation (see `until_stopped.end_task`).
        """
        interval = self._around.timing.ping_interval_seconds
        was_up = True
        while not self._ended.done():
            await self._around.clock.pause(interval)
            is_up = self._is_up()
            if is_up:
                await self._ask()
            elif not was_up:
                self._end(EndingKind.UNREACHABLE, AblyFault(None, f"no connection for {interval:g} seconds"))
            was_up = is_up

    async def _ask(self) -> None:
        asked_at = self._around.clock.now()
        try:
            async with asyncio.timeout(self._around.timing.request_seconds + 1):
                await self._client.connection.ping()
        except Exception as error:  # noqa: BLE001 - the SDK raises bare Exception here, besides its own and websockets'
            if self._is_up():  # else it has noticed by itself and is reconnecting
                self._end(EndingKind.SILENT, fault_of(error))
            return
        for channel, inbox in self._inboxes.items():
            if self._around.health.is_attached(channel) and not self._ended.done():
                self._around.continuity.heard(channel)
                inbox.heard(asked_at)

    def _is_up(self) -> bool:
        return self._client.connection.state.value == CONNECTED
