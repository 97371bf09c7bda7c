"""A connect that is cancelled, at any moment, ends as cancelled and leaves nothing behind."""

import asyncio
from collections.abc import Callable

import pytest

from ibkr_connector import IBKRClient
from sandbox.gateway import GatewayServer
from sandbox.world import World

Make = Callable[..., IBKRClient]

_TURNS = 90
"""Of the loop; enough for connecting, also when the gateway refuses the first attempt."""


@pytest.mark.parametrize("is_read_only", [False, True])
@pytest.mark.parametrize("is_cancelled_again", [False, True])
async def test_a_cancelled_connect_leaves_our_id_free(
    make_client: Make, gateway: GatewayServer, world: World, *, is_read_only: bool, is_cancelled_again: bool
) -> None:
    """The next connect under our client id finds it free, also when the first was cancelled while it cleaned up."""
    world.set_read_only(is_read_only)
    endings: list[bool] = []

    for turns in range(_TURNS):
        client = make_client(connect_timeout_seconds=60.0)
        connecting = asyncio.create_task(client.connect())
        await _turns(turns)
        connecting.cancel()
        if is_cancelled_again:
            await _turns(3)
            connecting.cancel()
        await asyncio.wait({connecting})
        endings.append(connecting.cancelled())
        if not connecting.cancelled():
            connecting.result()
        await client.disconnect()
        await _until_nobody_is_left(gateway)

    assert endings[0]


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)  # noqa: TID251 - lets others run, waits for nothing


async def _until_nobody_is_left(gateway: GatewayServer) -> None:
    """No connection at the gateway, and no task of an attempt."""
    async with asyncio.timeout(20):
        while gateway.client_ids or _attempts():
            await asyncio.wait(_attempts() or {asyncio.ensure_future(_turns(1))}, timeout=0.01)


def _attempts() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if "_synchronize" in repr(task.get_coro())}
