"""The gateway as a TCP server: connections come and go, the world stays."""

import asyncio
from types import TracebackType
from typing import Literal, Self

from sandbox.gateway.connection import Connection
from sandbox.gateway.dispatch import dispatch
from sandbox.gateway.errors import GatewayError
from sandbox.gateway.framing import read_fields
from sandbox.gateway.handshake import greeting, read_client_id, read_version
from sandbox.gateway.messages import control as messages
from sandbox.gateway.pacing import Pacer
from sandbox.gateway.publisher import Publisher
from sandbox.gateway.session import NO_REQUEST, Session
from sandbox.world import World

ConnectivityCode = Literal[1100, 1101, 1102]

_CLIENT_ID_IN_USE = 326
_TOO_FAST = 100
_LINK_LOST = 1100
_DATA_LOST = 1101
_CONNECTIVITY = {
    1100: "Connectivity between IBKR and Trader Workstation has been lost.",
    1101: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    1102: "Connectivity between IBKR and Trader Workstation has been restored - data maintained.",
}
_FARMS = (
    (2104, "Market data farm connection is OK:usfarm"),
    (2106, "HMDS data farm connection is OK:ushmds"),
    (2158, "Sec-def data farm connection is OK:secdefil"),
)


class GatewayServer:
    """Serves a world on a port of this machine; an async context manager.

    With port 0 the system picks a free one, which `port` then tells and keeps over `go_down` and `come_up`.
    """

    def __init__(self, world: World, host: str = "127.0.0.1", port: int = 0) -> None:
        self._world = world
        self._host = host
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._sessions: dict[int, Session] = {}
        self._is_frozen = False
        self._is_linked = True
        self._publisher = Publisher(world, self._sessions, lambda: self._is_linked)
        self._unsubscribe = world.parts.hub.subscribe(self._publisher.on_event)

    async def __aenter__(self) -> Self:
        await self.come_up()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.go_down()
        self._unsubscribe()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._port

    @property
    def client_ids(self) -> tuple[int, ...]:
        """The clients connected now."""
        return tuple(self._sessions)

    async def come_up(self) -> None:
        """Listen, again on the same port after `go_down`."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self._host, self._port)
            self._port = self._server.sockets[0].getsockname()[1]

    async def go_down(self) -> None:
        """Stop listening and cut every connection; new ones are refused."""
        if self._server:
            self._server.close()
            self._server = None
        await self.drop_connections()

    async def drop_connections(self) -> None:
        """Cut every connection; clients may connect again at once."""
        for writer in self._writers:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def begin_day(self) -> None:
        """Restart, as every night: connections are cut, and executions of the day before yesterday told no more."""
        self._world.parts.executions.begin_day()
        await self.drop_connections()

    def freeze(self) -> None:
        """Go on accepting and reading, but answer nothing; what is read is lost."""
        self._is_frozen = True

    def thaw(self) -> None:
        """Answer again. Connections that were opened in the meantime stay dead."""
        self._is_frozen = False

    def broadcast(self, code: ConnectivityCode) -> None:
        """Tell all clients that the link to the brokerage is lost (1100) or back, with market data (1102) or without.

        Events in between are lost.
        """
        self._is_linked = code != _LINK_LOST
        self._world.journal.record("control", broadcast=code)
        for session in self._sessions.values():
            session.error(NO_REQUEST, code, _CONNECTIVITY[code])
            if code == _DATA_LOST:
                session.subscriptions.tickers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        self._tasks.add(task)
        self._writers.add(writer)
        connection = Connection(writer, lambda: self._world.parts.switches.latency.reply_ms, lambda: self._is_frozen)
        sending = asyncio.create_task(connection.write_out())
        try:
            await self._talk(reader, connection)
            connection.finish()
            await sending
        except (GatewayError, ConnectionError, asyncio.IncompleteReadError):
            connection.cut()
        finally:
            sending.cancel()
            writer.close()
            self._tasks.discard(task)
            self._writers.discard(writer)

    async def _talk(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        version = await read_version(reader)
        if self._is_frozen:
            await _swallow(reader)
            return
        connection.send(greeting(version, self._world.parts.now()))
        client_id = await read_client_id(reader)
        session = Session(self._world, connection, client_id, version)
        if client_id in self._sessions:
            self._world.journal.record("connection_refused", client_id=client_id)
            text = "Unable to connect as the client id is already in use. Retry with a unique client id."
            session.error(NO_REQUEST, _CLIENT_ID_IN_USE, text)
            return
        self._sessions[client_id] = session
        try:
            await self._converse(reader, session)
        finally:
            del self._sessions[client_id]
            self._world.journal.record("disconnected", client_id=client_id)

    async def _converse(self, reader: asyncio.StreamReader, session: Session) -> None:
        self._welcome(session)
        pacer = Pacer(self._world.parts.spec.max_messages_per_second)
        loop = asyncio.get_running_loop()
        while True:
            fields = await read_fields(reader)
            if self._is_frozen:
                continue
            if pacer.is_exceeded(loop.time()):
                limit = self._world.parts.spec.max_messages_per_second
                text = f"Max rate of messages per second has been exceeded:max={limit} rec={limit + 1} (1)"
                session.error(NO_REQUEST, _TOO_FAST, text)
                return
            dispatch(session, fields)

    def _welcome(self, session: Session) -> None:
        self._world.journal.record("connected", client_id=session.client_id, version=session.version)
        session.send(messages.managed_accounts(self._world.accounts))
        session.send(messages.next_valid_id(self._world.parts.book.next_id(session.client_id)))
        for code, text in _FARMS:
            session.error(NO_REQUEST, code, text)


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass
