"""redis-py's client, with a short way for plain commands, which is how every script runs.

redis-py takes the time of each command for statistics that nobody reads, and sets one timer for sending and another
for the reply. Here a try is bounded as a whole: waiting for a connection, opening it, sending, and the reply.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from event_queue.quick_connection import QuickPool

_Redis: Any = Redis


class QuickClient(_Redis):
    """A client of a `QuickPool`, whose settings of time and repetition hold for it too."""

    def __init__(self, pool: QuickPool) -> None:
        """Take the pool, which is closed with the client."""
        _Redis.__init__(self, connection_pool=pool)
        self.auto_close_connection_pool = True
        settings = pool.connection_kwargs
        self._retry = settings["retry"]
        self._patience_seconds: float = settings["socket_timeout"]

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command and return its reply, with redis-py's repetitions; what has options goes redis-py's way."""
        if options:
            return await _Redis.execute_command(self, *args, **options)
        reply = await self._retry.call_with_retry(lambda: self._try(args), _go_on)
        callback = self.response_callbacks.get(args[0])
        return callback(reply) if callback else reply

    async def execute_together(self, *commands: tuple[Any, ...]) -> list[Any]:
        """Send commands at once, and once, on one connection; their replies, refusals of Redis among them.

        Raises:
            ConnectionError: of redis-py; Redis may or may not have run the commands.
            TimeoutError: of redis-py; not every reply came in the time of one try.
        """
        pool: QuickPool = self.connection_pool
        patience_seconds = self._patience_seconds
        connection = pool.take_ready()
        if connection is None:
            connection, patience_seconds = await self._wait_for_connection(pool)
        try:
            return await connection.exchange(*commands, patience_seconds=patience_seconds)
        finally:
            await pool.release(connection)

    async def execute_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        """As `execute_together`, with redis-py's repetitions, each of which sends all of them again."""
        if not commands:
            return []
        return await self._retry.call_with_retry(lambda: self._try_all(commands), _go_on)

    async def _try_all(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        replies = await self.execute_together(*commands)
        for reply in replies:
            if isinstance(reply, RedisConnectionError):
                raise reply
        return replies

    async def _try(self, args: tuple[Any, ...]) -> Any:
        [reply] = await self.execute_together(args)
        if isinstance(reply, RedisError):
            raise reply
        return reply

    async def _wait_for_connection(self, pool: QuickPool) -> tuple[Any, float]:
        """A connection, and the seconds that are left for what it is wanted for."""
        try:
            async with asyncio.timeout(self._patience_seconds) as limit:
                connection = await pool.get_connection()
        except TimeoutError as error:
            raise RedisTimeoutError(f"no connection in {self._patience_seconds:g} s") from error
        return connection, (limit.when() or 0.0) - asyncio.get_running_loop().time()


async def _go_on(_error: Exception) -> None:
    """A connection that failed is closed already; the next try opens it anew."""
