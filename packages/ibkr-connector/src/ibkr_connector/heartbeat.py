"""Noticing a gateway that is gone without having closed the connection."""

import asyncio
from typing import Any

from broker_connector_base import BrokerConnectionError
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession


class Heartbeat:
    """After a silence the gateway is asked for the time; no answer ends the session. Answers re-arm the silence."""

    def __init__(self, session: GatewaySession, requests: Requests) -> None:
        self._session = session
        self._requests = requests
        self._check: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch from now on, for as long as the session lasts."""
        events: Any = self._session.ib
        events.timeoutEvent.connect(self._on_silence, keep_ref=True)
        self._arm()

    def _arm(self) -> None:
        self._session.ib.setTimeout(self._session.settings.heartbeat_seconds)

    def _on_silence(self, _seconds: float) -> None:
        if not self._session.lost.done():
            self._check = asyncio.ensure_future(self._ask())

    async def _ask(self) -> None:
        try:
            await self._requests.current_time()
        except BrokerConnectionError as error:
            self._session.end(str(error))
        else:
            self._arm()
