"""A running service, and plain SDK clients that are closed when the test ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import ably as sdk
import httpx
import pytest

from sandbox.ably import AblyServer, AblySpec, KeySpec

CHANNEL = "strategy-growth"
READ_ONLY_KEY = "app.readonly:secret-2"

sdk: Any
"""The SDK has no types."""


@dataclass
class Clock:
    """Epoch seconds that pass only when the test says so."""

    seconds: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Subscriber:
    """A realtime client on one channel and what it has been told."""

    client: Any
    channel: Any
    messages: asyncio.Queue[Any] = field(default_factory=asyncio.Queue[Any])
    attachments: asyncio.Queue[Any] = field(default_factory=asyncio.Queue[Any])

    async def next_data(self) -> Any:
        """The payload of the next message."""
        return (await self.next_message()).data

    async def next_message(self) -> Any:
        """The next message, within ten seconds."""
        async with asyncio.timeout(10):
            return await self.messages.get()

    async def next_attachment(self) -> Any:
        """The next change to `attached`."""
        async with asyncio.timeout(10):
            return await self.attachments.get()


@pytest.fixture
def clock() -> Clock:
    """The service's clock."""
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[AblyServer]:
    """A service with one key for everything and one that may only subscribe to `open:*`."""
    spec = AblySpec(
        keys=(KeySpec(key="app.main:secret-1"), KeySpec(key=READ_ONLY_KEY, capability={"open:*": ("subscribe",)})),
        persisted={"kept": 86_400},
    )
    async with AblyServer(spec, clock=clock) as running:
        yield running


@pytest.fixture
async def connect(server: AblyServer) -> AsyncIterator[Callable[..., Any]]:
    """Build a realtime client; options override the service's address and key."""
    async with AsyncExitStack() as open_clients:

        def build(**options: Any) -> Any:
            defaults: dict[str, Any] = {"key": server.key, "endpoint": server.endpoint, "tls": False}
            client = sdk.AblyRealtime(**(defaults | options))
            open_clients.push_async_callback(client.close)
            return client

        yield build


@pytest.fixture
def subscribe(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Subscribe a new client to a channel; returns when it is attached."""

    async def build(channel: str = CHANNEL, *, params: dict[str, str] | None = None, **options: Any) -> Subscriber:
        client = connect(**options)
        subscriber = Subscriber(client, client.channels.get(channel, **({"params": params} if params else {})))
        subscriber.channel.on("attached", subscriber.attachments.put_nowait)
        async with asyncio.timeout(10):
            await subscriber.channel.subscribe(subscriber.messages.put_nowait)
        return subscriber

    return build


@pytest.fixture
async def rest(server: AblyServer) -> AsyncIterator[Any]:
    """The SDK's REST client, with a token as it refuses keys without TLS."""
    client = sdk.AblyRest(key=server.key, endpoint=server.endpoint, tls=False, use_token_auth=True)
    yield client
    await client.close()


@pytest.fixture
async def http(server: AblyServer) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP with Basic authorization."""
    name, _, secret = server.key.partition(":")
    async with httpx.AsyncClient(base_url=f"http://{server.endpoint}", auth=(name, secret)) as client:
        yield client
