"""redis-py's connection and pool, without the work that every command repeats and almost none needs.

A queue transition is one round trip, and most of its time is the client's own. Three things are done here only when
they are needed: waiting for the socket to take a command (a task of its own in redis-py), waiting for a connection to
become free (a lock, a timer), and looking whether an idle connection was closed meanwhile (a turn of the event
loop). Whenever one of them may be needed, redis-py's own way is taken. A command whose one reply is waited for goes
past the streams, see `quick_exchange`.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

import hiredis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.connection import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from event_queue.quick_exchange import Overdue, QuickExchange

_hiredis: Any = hiredis
_Connection: Any = Connection
_Pool: Any = BlockingConnectionPool


class QuickConnection(_Connection):
    """A connection that hands a command over at once when its socket takes it at once."""

    def __init__(self, **settings: Any) -> None:
        """Take what `Connection` takes."""
        _Connection.__init__(self, **settings)
        self._overdue = Overdue()

    async def send_packed_command(self, command: str | bytes | Iterable[bytes], check_health: bool = True) -> None:  # noqa: FBT001, FBT002 - redis-py's signature
        """Write the command; where that takes patience, redis-py waits under its own time limit."""
        if not self.is_connected or isinstance(command, (str, bytes)):
            await _Connection.send_packed_command(self, command, check_health)
            return
        self._writer.writelines(command)
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size():
            await _Connection.send_packed_command(self, [], check_health)

    async def exchange(self, *commands: tuple[Any, ...], patience_seconds: float) -> list[Any]:
        """Send commands at once on this open connection and return their replies, errors of Redis among them.

        What cuts it short, a cancellation too, closes the connection: a reply to come must not answer the next.

        Raises:
            ConnectionError: of redis-py; Redis may or may not have run the commands.
            TimeoutError: of redis-py; not every reply came in `patience_seconds`.
        """
        packed: list[bytes] = []
        for args in commands:
            packed += self.pack_command(*args)
        expected = self._overdue.expected_in(patience_seconds)
        transport = self._writer.transport
        exchange = QuickExchange(transport, self._parser._reader, expected, len(commands))  # noqa: SLF001 - where replies are read
        try:
            transport.write(b"".join(packed))
            replies = await expected
        except BaseException:
            expected.cancel()
            await self.disconnect(nowait=True)
            raise
        finally:
            exchange.end()
        for reply in replies:
            if isinstance(reply, RedisConnectionError):
                await self.disconnect(nowait=True)
        return replies

    def pack_command(self, *args: Any) -> list[bytes]:
        """The command in the protocol's form; redis-py takes names of two words apart, and refuses what is no value."""
        if " " in args[0]:
            return _Connection.pack_command(self, *args)
        try:
            return [_hiredis.pack_command(args)]
        except TypeError:
            return _Connection.pack_command(self, *args)

    def is_ready(self) -> bool:
        """Whether it is open, and nothing has come in since the last reply: neither bytes nor the end."""
        reader, parsed = self._reader, getattr(self._parser, "_reader", None)
        is_quiet = self.is_connected and not reader._buffer and not reader.at_eof() and reader.exception() is None  # noqa: SLF001 - redis-py looks there too
        return is_quiet and not self._writer.transport.is_closing() and not (parsed is not None and parsed.has_data())


class QuickPool(_Pool):
    """A blocking pool that gives a ready connection away, and takes it back, without a lock while nobody waits.

    Nothing in the quick ways awaits between looking and taking, so no other task can come between.
    """

    def __init__(self, connection_class: type[QuickConnection] = QuickConnection, **settings: Any) -> None:
        """Take what `BlockingConnectionPool` takes."""
        _Pool.__init__(self, connection_class=connection_class, **settings)
        self._waiting = 0
        self._turn = asyncio.Lock()
        """Held by the first in line. A condition alone would let newcomers overtake whoever it has just woken."""

    async def get_connection(self, command_name: str | None = None, *keys: Any, **options: Any) -> Any:
        """A connection that can take a command now; waits for one up to the pool's timeout, first come first served."""
        del command_name, keys, options
        connection = self.take_ready()
        if connection is not None:
            return connection
        self._waiting += 1
        try:
            connection = await self._wait_in_line()
        finally:
            self._waiting -= 1
        try:
            # Not left to redis-py: from its version 8 on, a pool may keep a connection with an unread reply.
            if connection.is_connected and not connection.is_ready():
                await connection.disconnect()
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    def take_ready(self) -> Any:
        """A connection that can take a command now; None when there is none, or others wait for one."""
        idle: list[QuickConnection] = self._available_connections
        if idle and idle[-1].is_ready() and not self._waiting:
            return self.get_available_connection()
        return None

    async def _wait_in_line(self) -> Any:
        try:
            async with asyncio.timeout(self.timeout), self._turn, self._condition:
                await self._condition.wait_for(self.can_get_connection)
                return self.get_available_connection()
        except TimeoutError as error:
            raise RedisConnectionError("every connection to Redis stayed in use") from error

    async def release(self, connection: Any) -> None:
        """Take a connection back, and wake whoever waits for one."""
        if self._waiting or connection.should_reconnect():
            await _Pool.release(self, connection)
            return
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)
