"""Short connections under other clients' ids: only the id that placed an order may cancel it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from broker_connector_base import BrokerConnectionError, ClientIdInUse
from ibkr_connector.connection import open_session_of
from ibkr_connector.line import Line
from ibkr_connector.session import GatewaySession


class OwnerLines:
    """Opens a connection under an id for the first who needs it, and closes it after the last.

    Ids are occupied as briefly as possible, for their owners may want to come back. Messages over these connections
    share the pace of the main one.
    """

    def __init__(self, main: GatewaySession, now: Callable[[], datetime]) -> None:
        self._main = main
        self._now = now
        self._visits: dict[int, Visit] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._was_ours: set[int] = set()

    @asynccontextmanager
    async def visit(self, client_id: int) -> AsyncGenerator["Visit"]:
        """A visit under this id, shared with others at the same time; it connects when first asked for its line."""
        visit = self._visits.setdefault(client_id, Visit(self._main, client_id, lambda: self._open(client_id)))
        visit.users += 1
        try:
            yield visit
        finally:
            visit.users -= 1
            if not visit.users:
                del self._visits[client_id]
                await visit.end(self._turns[client_id])

    async def _open(self, client_id: int) -> Line:
        async with self._turns[client_id]:
            try:
                return await self._connect(client_id)
            except ClientIdInUse:
                if client_id not in self._was_ours:
                    raise
                # The gateway may take a moment to forget the connection that we had under this id.
                await asyncio.wait({self._main.lost}, timeout=self._main.settings.message_grace_seconds)
                return await self._connect(client_id)

    async def _connect(self, client_id: int) -> Line:
        main = self._main
        session = await open_session_of(client_id, main.settings, now=self._now, pace=main.pace)
        self._was_ours.add(client_id)

        def end_too(reason: asyncio.Future[str]) -> None:
            session.end(reason.result())

        main.lost.add_done_callback(end_too)
        session.lost.add_done_callback(lambda _: main.lost.remove_done_callback(end_too))
        return Line.over(session)


class Visit:
    """A connection under somebody else's id, for as long as anybody here needs it."""

    def __init__(self, main: GatewaySession, client_id: int, connect: Callable[[], Coroutine[Any, Any, Line]]) -> None:
        self.users = 0
        self._main = main
        self.client_id = client_id
        self._connect = connect
        self._opening: asyncio.Task[Line] | None = None

    async def line(self, *, timeout_seconds: float) -> Line:
        """The connection, opened when nobody asked for it before.

        Raises:
            ClientIdInUse: the owner of the id is connected.
            BrokerConnectionError: it could not be opened in time.
        """
        what = f"connection under client id {self.client_id}"
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect())
        endings: set[asyncio.Future[Any]] = {self._opening, self._main.lost}
        await asyncio.wait(endings, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        self._main.require_connection(what)
        if not self._opening.done():
            raise BrokerConnectionError(f"no {what} within {timeout_seconds:g} s")
        return self._opening.result()

    async def end(self, turn: asyncio.Lock) -> None:
        """Close the connection, in turn with others of the same id."""
        opening = self._opening
        if opening is None:
            return
        if not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
        async with turn:
            if not opening.cancelled() and opening.exception() is None:
                await opening.result().session.close(f"done under client id {self.client_id}")
