"""The quick ways of the client, its connections and its pool, and the moments at which they must not be taken."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from event_queue.quick_client import QuickClient
from event_queue.quick_connection import QuickPool
from event_queue.testing.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.integration

PATIENCE = 20.0


@asynccontextmanager
async def opened(
    server: RedisServer, *, connections: int = 1, wait: float = PATIENCE
) -> AsyncGenerator[tuple[Any, Any]]:
    pool: Any = pool_at(server.port, max_connections=connections, timeout=wait, socket_timeout=PATIENCE)
    client: Any = QuickClient(pool)
    try:
        yield client, pool
    finally:
        await client.aclose()


def pool_at(port: int, **settings: Any) -> QuickPool:
    return QuickPool(host="127.0.0.1", port=port, retry=Retry(NoBackoff(), 2), protocol=2, **settings)


async def clients_of(client: Any) -> int:
    return (await client.info("stats"))["total_connections_received"]


@pytest.mark.parametrize("value", ["", "text", "zażółć 🙂", b"\x00\xff\r\n", 12, 1.5, "x" * 5_000_000])
async def test_every_value_arrives_as_it_was_given(redis_server: RedisServer, value: Any) -> None:
    """What the socket takes at once and what it does not, in every type that redis-py sends."""
    async with opened(redis_server) as (client, _):
        await client.set("quick", value)

        told = await client.get("quick")

    assert told == (value if isinstance(value, bytes) else str(value).encode())


async def test_a_command_of_two_words_is_sent_as_two(redis_server: RedisServer) -> None:
    """redis-py names some commands by two words."""
    async with opened(redis_server) as (client, _):
        assert await client.execute_command("CONFIG GET", "appendonly") == {"appendonly": "yes"}


async def test_one_connection_serves_one_command_after_another(redis_server: RedisServer) -> None:
    """The quick way opens nothing anew."""
    async with opened(redis_server, connections=5) as (client, _):
        before = await clients_of(client)
        for number in range(50):
            await client.set("quick", number)

        assert await clients_of(client) == before


async def test_those_who_wait_for_a_connection_all_get_one(redis_server: RedisServer) -> None:
    """Giving back without a lock wakes nobody only when nobody waits."""
    async with opened(redis_server, connections=2) as (client, pool):
        async with asyncio.timeout(PATIENCE):
            answers = await asyncio.gather(*(client.incrby("count", 0) for _ in range(60)))

        assert len(answers) == 60
        assert len(pool._available_connections) <= 2
        assert not pool._in_use_connections


async def test_waiting_for_a_connection_is_bounded(redis_server: RedisServer) -> None:
    """A pool that is used up refuses after its timeout, and serves again once a connection is back."""
    async with opened(redis_server, wait=0.05) as (client, pool):
        taken = await pool.get_connection()
        with pytest.raises(RedisConnectionError):
            await client.ping()
        await pool.release(taken)

        assert await client.ping()


async def test_a_cancelled_command_leaves_no_reply_behind(redis_server: RedisServer) -> None:
    """The next command on the pool's only connection gets its own reply, not that of the cancelled one."""
    async with opened(redis_server) as (client, _):
        await client.set("quick", "right")
        waiting = asyncio.create_task(client.blpop("nothing", timeout=5))
        while not (await _blocked(redis_server)):
            await asyncio.wait({waiting}, timeout=0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        assert await client.execute_command("GET", "quick") == b"right"
        assert await client.get("quick") == b"right"


async def test_what_redis_refuses_is_raised_and_the_connection_serves_on(redis_server: RedisServer) -> None:
    """An error is a reply like any other."""
    async with opened(redis_server) as (client, _):
        await client.set("quick", "text")
        before = await clients_of(client)
        with pytest.raises(ResponseError, match="WRONGTYPE"):
            await client.execute_command("LPUSH", "quick", "more")

        assert await client.execute_command("GET", "quick") == b"text"
        assert await clients_of(client) == before


async def test_a_silent_server_is_asked_three_times_and_given_up() -> None:
    """The time limit holds for each try as a whole, and no connection that owes a reply is used again."""
    asked: list[asyncio.StreamWriter] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)
        with closing(writer):
            await reader.read()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        client = QuickClient(pool_at(silent.sockets[0].getsockname()[1], timeout=0.05, socket_timeout=0.05))
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(RedisTimeoutError, match="no connection"):
                await client.execute_command("PING")
        await client.aclose()

    assert len(asked) == 3


async def test_commands_sent_together_all_have_their_replies(redis_server: RedisServer) -> None:
    """In their order, whatever Redis refuses of them, and on one connection that serves on."""
    async with opened(redis_server) as (client, _):
        await client.execute_command("SET", "quick", "text")
        before = await clients_of(client)
        asked = [("BLPOP", "nothing", "0.1"), ("LPUSH", "quick", "more"), ("GET", "quick")]
        waited, refused, told = await client.execute_together(*asked)

        assert (waited, told) == (None, b"text")
        assert isinstance(refused, ResponseError)
        assert await client.execute_command("GET", "quick") == b"text"
        assert await clients_of(client) == before


async def test_commands_whose_replies_come_in_parts_are_all_answered() -> None:
    """A reply may end in the middle of what arrives."""
    async with answering_in_parts(b"+fi", b"rst\r\n$6\r\nsec", b"ond\r\n") as client:
        assert await client.execute_together(("PING",), ("PING",)) == [b"first", b"second"]


async def test_commands_sent_together_are_not_repeated() -> None:
    """Whoever sends them knows what may have run."""
    async with answering(b"+PONG\r\n") as (client, asked):
        with pytest.raises(RedisConnectionError):
            await client.execute_together(("PING",), ("PING",))

    assert len(asked) == 1


@pytest.mark.parametrize("reply", [b"+PONG\r\n", b"+PONG\r\n-LOADING Redis is loading\r\n"])
async def test_commands_that_may_run_twice_are_all_sent_again(reply: bytes) -> None:
    """Where one has no answer of Redis's own, nobody knows which of them ran."""
    async with answering(reply) as (client, asked):
        with pytest.raises(RedisConnectionError):
            await client.execute_all([("PING",), ("PING",)])

    assert [each.count(b"PING") for each in asked] == [2, 2, 2]


@asynccontextmanager
async def answering_in_parts(*parts: bytes) -> AsyncGenerator[Any]:
    """A client of a server that greets like Redis, and answers what follows part by part."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while data := await reader.read(65536):
                writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
                if b"PING" in data:
                    for part in parts:
                        writer.write(part)
                        await asyncio.wait({asyncio.ensure_future(writer.drain())}, timeout=0.01)
                        await asyncio.get_running_loop().run_in_executor(None, bytes)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        client = QuickClient(pool_at(server.sockets[0].getsockname()[1], timeout=PATIENCE, socket_timeout=PATIENCE))
        async with asyncio.timeout(PATIENCE):
            yield client
        await client.aclose()


@asynccontextmanager
async def answering(reply: bytes) -> AsyncGenerator[tuple[Any, list[bytes]]]:
    """A client of a server that greets like Redis, gives this reply to a PING, and hangs up; the PINGs it got."""
    asked: list[bytes] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with closing(writer):
            while data := await reader.read(65536):
                writer.write(b"+OK\r\n" * data.count(b"SETINFO"))
                if b"PING" in data:
                    asked.append(data)
                    writer.write(reply)
                    break

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        client = QuickClient(pool_at(server.sockets[0].getsockname()[1], timeout=PATIENCE, socket_timeout=PATIENCE))
        async with asyncio.timeout(PATIENCE):
            yield client, asked
        await client.aclose()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@pytest.mark.parametrize("half", [b"", b"$5\r\nhal"])
async def test_a_server_that_hangs_up_amid_a_reply_is_asked_again(half: bytes) -> None:
    """Half a reply is none."""
    async with answering(half) as (client, asked):
        with pytest.raises(RedisConnectionError, match="connection to Redis"):
            await client.execute_command("PING")

    assert len(asked) == 3


async def test_a_reply_that_is_none_of_the_protocol_is_an_error() -> None:
    """And the connection that gave it is not used again."""
    async with answering(b"?what\r\n") as (client, asked):
        with pytest.raises(InvalidResponse):
            await client.execute_command("PING")

        [connection] = client.connection_pool._available_connections
        assert not connection.is_connected
    assert len(asked) == 1


async def test_what_comes_behind_a_reply_answers_nothing() -> None:
    """A second reply to one command closes the connection before the next command."""
    async with answering(b"+PONG\r\n+more\r\n") as (client, _):
        assert await client.execute_command("PING")

        [connection] = client.connection_pool._available_connections
        assert not connection.is_ready()


async def test_a_reply_that_does_not_come_is_given_up_and_never_taken_for_the_next(redis_server: RedisServer) -> None:
    """One timer serves all commands of a connection, and each of them has its full time."""
    client: Any = QuickClient(pool_at(redis_server.port, timeout=PATIENCE, socket_timeout=0.5))
    async with asyncio.timeout(PATIENCE):
        await client.execute_command("SET", "quick", "right")
        with pytest.raises(RedisTimeoutError, match="no reply"):
            await client.execute_command("BLPOP", "nothing", "10")

        assert await client.execute_command("GET", "quick") == b"right"
    await client.aclose()


async def test_a_command_has_its_time_from_its_own_start_on(redis_server: RedisServer) -> None:
    """The timer of the command before rings amid this one, and lets it go on."""
    client: Any = QuickClient(pool_at(redis_server.port, timeout=PATIENCE, socket_timeout=1.0))
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            assert await client.execute_command("BLPOP", "nothing", "0.6") is None
    await client.aclose()


async def test_a_command_whose_connection_breaks_is_sent_again() -> None:
    """The server died and came back between a command and its reply."""
    with running_redis() as server:
        async with opened(server) as (client, _):
            waiting = asyncio.create_task(client.execute_command("BLPOP", "list", "10"))
            while not (await _blocked(server)):
                await asyncio.wait({waiting}, timeout=0.01)
            server.kill()
            server.start()
            async with opened(server) as (other, _), asyncio.timeout(PATIENCE):
                while not (await _blocked(server)):
                    await asyncio.wait({waiting}, timeout=0.01)
                await other.execute_command("RPUSH", "list", "here")

                assert await waiting == (b"list", b"here")


async def test_a_connection_that_the_server_closed_is_opened_anew() -> None:
    """An idle connection's end is seen before a command is entrusted to it, also after Redis was killed."""
    with running_redis() as server:
        async with opened(server) as (client, pool):
            await client.set("quick", "kept")
            server.kill()
            server.start()
            [idle] = pool._available_connections
            async with asyncio.timeout(PATIENCE):
                await idle._reader.read()

            assert not idle.is_ready()
            assert await client.get("quick") == b"kept"


async def test_a_connection_with_an_unread_reply_is_opened_anew(redis_server: RedisServer) -> None:
    """A reply that nobody has read must never become the answer to the next command."""
    async with opened(redis_server) as (client, pool):
        await client.set("quick", "right")
        [idle] = pool._available_connections
        idle._parser._reader.feed(b"$5\r\nwrong\r\n")

        assert not idle.is_ready()
        assert await client.get("quick") == b"right"


async def _blocked(server: RedisServer) -> int:
    async with opened(server) as (client, _):
        return (await client.info("clients"))["blocked_clients"]
