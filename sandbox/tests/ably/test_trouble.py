"""Dropped sockets, forgotten connections, refused keys and silence, as the SDK sees them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from ably.util.exceptions import AblyException
from websockets.exceptions import ConnectionClosed

from sandbox.ably import AblyError, AblyServer

CHANNEL = "strategy-growth"
FAST_RETRY: dict[str, Any] = {"disconnected_retry_timeout": 50, "realtime_request_timeout": 3000}


async def reached(client: Any, state: str) -> Any:
    """The state change that brings the connection to the state."""
    changes: asyncio.Queue[Any] = asyncio.Queue()
    client.connection.on(state, changes.put_nowait)
    async with asyncio.timeout(10):
        return await changes.get()


async def test_dropped_socket_is_resumed_and_missed_messages_follow(
    server: AblyServer, subscribe: Callable[..., Any]
) -> None:
    """The SDK reconnects by itself, is told that it resumed, and gets what it missed once and in order."""
    subscriber = await subscribe(**FAST_RETRY)
    server.publish(CHANNEL, "before")
    assert await subscriber.next_data() == "before"
    assert not (await subscriber.next_attachment()).resumed
    connection_id = subscriber.client.connection.connection_manager.connection_id

    assert server.drop_connections() == 1
    server.publish(CHANNEL, "missed 1")
    server.publish(CHANNEL, "missed 2")
    attachment = await subscriber.next_attachment()
    server.publish(CHANNEL, "after")

    assert attachment.resumed
    assert [await subscriber.next_data() for _ in range(3)] == ["missed 1", "missed 2", "after"]
    assert subscriber.client.connection.connection_manager.connection_id == connection_id


async def test_lost_continuity(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """When the service has forgotten the connection, the channel attaches with resumed=False, without replay."""
    subscriber = await subscribe(**FAST_RETRY)
    await subscriber.next_attachment()

    server.drop_connections(lose_continuity=True)
    server.publish(CHANNEL, "lost")
    attachment = await subscriber.next_attachment()
    server.publish(CHANNEL, "after")

    assert not attachment.resumed
    assert await subscriber.next_data() == "after"


async def test_connection_expires(server: AblyServer, subscribe: Callable[..., Any], clock: Any) -> None:
    """After connectionStateTtl a resume is refused."""
    subscriber = await subscribe(**FAST_RETRY)
    await subscriber.next_attachment()
    await server.refuse()

    clock.seconds += 121
    await server.accept()

    assert not (await subscriber.next_attachment()).resumed


async def test_refused_connections_come_back_on_the_same_port(
    server: AblyServer, subscribe: Callable[..., Any]
) -> None:
    """While the port is closed nobody connects; when it opens again the client resumes there."""
    subscriber = await subscribe(**FAST_RETRY | {"realtime_request_timeout": 500})
    await subscriber.next_attachment()
    port = server.port

    await server.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    server.publish(CHANNEL, "missed")
    await server.accept()

    assert (await subscriber.next_attachment()).resumed
    assert await subscriber.next_data() == "missed"
    assert server.port == port


async def test_unavailable_service_is_noticed_at_once(server: AblyServer, connect: Callable[..., Any]) -> None:
    """With HTTP 503 on the upgrade the SDK goes to `disconnected` and later connects by itself."""
    server.set_unavailable()
    client = connect(**FAST_RETRY)
    await reached(client, "disconnected")

    server.set_unavailable(unavailable=False)
    await reached(client, "connected")

    assert client.connection.state == "connected"


async def test_invalid_key_fails(connect: Callable[..., Any]) -> None:
    """A wrong secret brings the connection to `failed` with code 40101."""
    client = connect(key="app.main:wrong")

    change = await reached(client, "failed")

    assert (change.reason.code, change.reason.status_code) == (40101, 401)


async def test_revoked_key_fails_and_comes_back(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """Revoking a key ends its connections; once restored it serves again."""
    subscriber = await subscribe()

    server.revoke_key(server.key)
    change = await reached(subscriber.client, "failed")
    server.restore_key(server.key)
    again = await subscribe()
    server.publish(CHANNEL, "again")

    assert change.reason.code == 40101
    assert await again.next_data() == "again"


async def test_channel_outside_the_capability_fails(connect: Callable[..., Any]) -> None:
    """A key without the right to a channel gets 40160 there and works elsewhere."""
    client = connect(key="app.readonly:secret-2")
    await client.channels.get("open:prices").attach()

    with pytest.raises(Exception, match="40160") as refusal:
        await client.channels.get(CHANNEL).attach()

    assert getattr(refusal.value, "code", None) == 40160
    assert client.connection.state == "connected"


async def test_publish_outside_the_capability_is_refused(connect: Callable[..., Any]) -> None:
    """A key that may only subscribe gets a NACK for its publish."""
    channel = connect(key="app.readonly:secret-2").channels.get("open:prices")
    await channel.attach()

    with pytest.raises(Exception, match="40160"):
        await channel.publish("name", "data")


@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")  # the SDK's own log call
async def test_disconnected_without_error_leaves_a_zombie(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """After a bare DISCONNECTED the SDK believes it is connected; only a ping shows that it is not."""
    subscriber = await subscribe(realtime_request_timeout=300)

    server.send_disconnected()
    async with asyncio.timeout(10):
        await server.wait_attached(CHANNEL, count=0)

    with pytest.raises((ConnectionClosed, AblyException)):
        await subscriber.client.connection.ping()
    assert subscriber.client.connection.state == "connected"


async def test_disconnected_with_an_ordinary_error_is_survived(
    server: AblyServer, subscribe: Callable[..., Any]
) -> None:
    """A DISCONNECTED with an error outside 500 to 504 makes the SDK reconnect and resume."""
    subscriber = await subscribe(**FAST_RETRY)
    await subscriber.next_attachment()

    server.send_disconnected(AblyError.with_code(80003, 408, "moving on"))

    assert (await subscriber.next_attachment()).resumed


async def test_black_hole(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """In silence a ping times out while the socket stays open; afterwards the held messages arrive."""
    subscriber = await subscribe(realtime_request_timeout=300)

    server.black_hole()
    server.publish(CHANNEL, "held")
    with pytest.raises(Exception, match="Timeout waiting for ping response"):
        await subscriber.client.connection.ping()
    assert subscriber.messages.empty()
    server.heal()

    assert await subscriber.next_data() == "held"
    assert subscriber.client.connection.state == "connected"


async def test_heartbeats_keep_an_idle_connection(connect: Callable[..., Any]) -> None:
    """An idle connection hears heartbeats more often than the announced interval."""
    client = connect()
    change = await reached(client, "connected")

    details = client.connection.connection_details

    assert change.reason is None
    assert (details.max_idle_interval, details.connection_state_ttl) == (15_000, 120_000)
