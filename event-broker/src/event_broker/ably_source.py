"""Signals from Ably: one client after the other, for as long as the service lives."""

import asyncio
from collections.abc import Mapping

import structlog

from event_broker.ably_client import hosts_of, open_client
from event_broker.ably_ending import Ending, EndingKind
from event_broker.ably_session import AblySession
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_link import Surroundings
from service_runtime.settings import AblySettings

_log = structlog.get_logger(__name__)


class AblySource:
    """Puts every message of every channel into the channel's inbox, in order."""

    def __init__(self, settings: AblySettings, inboxes: Mapping[str, ChannelInbox], around: Surroundings) -> None:
        """Take the key (set and well formed) and the channels with their inboxes."""
        self._settings = settings
        self._inboxes = inboxes
        self._around = around
        self._hosts = hosts_of(settings.endpoint)
        self._told: Ending | None = None

    async def run(self) -> None:
        """Listen until cancelled; a client that ends is followed by another, at most one in `retry_seconds`."""
        attempt = 0
        while True:
            spacing = asyncio.ensure_future(self._around.clock.pause(self._around.timing.retry_seconds))
            try:
                ending = await self._live(self._hosts[attempt % len(self._hosts)])
                self._tell(ending)
                await spacing
            finally:
                spacing.cancel()
            if ending.kind is EndingKind.UNREACHABLE:
                attempt += 1

    async def _live(self, host: str) -> Ending:
        _log.debug("ably_connecting", host=host)
        client = open_client(self._settings, host, self._around.timing)
        return await AblySession(client, self._inboxes, self._around).run()

    def _tell(self, ending: Ending) -> None:
        """Log the end, once as long as it repeats itself."""
        tell = _log.debug if ending == self._told else _log.warning
        tell("ably_session_ended", kind=ending.kind.value, reason=str(ending.fault) if ending.fault else None)
        self._told = ending
