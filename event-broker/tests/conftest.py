"""A simulated Ably, and a broker that listens to it with short waits."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from event_broker.testing.listening_rig import ListeningRig, accounts_on, listening
from sandbox.ably import AblyServer, AblySpec, KeySpec

MAIN_KEY = "app.main:secret-1"
NARROW_KEY = "app.narrow:secret-2"


@pytest.fixture
async def ably() -> AsyncIterator[AblyServer]:
    """An Ably with a key for everything and one for the channels `open:*` only."""
    spec = AblySpec(keys=(KeySpec(key=MAIN_KEY), KeySpec(key=NARROW_KEY, capability={"open:*": ("subscribe",)})))
    async with AblyServer(spec) as server:
        yield server


@pytest.fixture
async def listen(ably: AblyServer) -> AsyncIterator[Callable[..., Any]]:
    """Start listening for `DU1="channel", ...` with options of `listening`; stops when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(*, options: dict[str, Any] | None = None, **channels: str) -> ListeningRig:
            settings: dict[str, Any] = {"endpoint": ably.endpoint, "key": MAIN_KEY} | (options or {})
            return await stack.enter_async_context(listening(accounts_on(**channels), **settings))

        yield start
