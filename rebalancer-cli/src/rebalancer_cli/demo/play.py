"""The play itself: signals are published in the simulated world, and what became of them is collected."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from rebalancer_cli.asking import ask_until
from rebalancer_cli.demo.progress import Progress
from rebalancer_cli.demo.story import LIVE_CHANNEL, PREVIEW_CHANNEL, AccountStory, DemoAccount, demo_accounts
from rebalancer_cli.demo.verdict import system_objections
from rebalancer_cli.demo.world_view import AccountView, WorldView
from rebalancer_cli.errors import StackFailed
from rebalancer_cli.operator.commands import wait_for_result
from rebalancer_cli.stack.management_api import ManagementApi

_EVENT_SECONDS = 60
_REST_SECONDS = 15
"""Services report on their parts every five seconds."""

SystemState = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Answers of /health and /queue/status."""


async def play(api: ManagementApi, world: WorldView, progress: Progress, console: Console) -> Sequence[AccountStory]:
    """Publish a live signal and a preview, and tell the story of each account once its event has ended.

    Raises:
        StackFailed: a signal was not taken in.
        EventNotEnded: an event failed, or did not end in time.
    """
    accounts = demo_accounts()
    await asyncio.gather(*(world.wait_attached(channel) for channel in (LIVE_CHANNEL, PREVIEW_CHANNEL)))
    before = await asyncio.gather(*(world.account(account.account_id) for account in accounts))
    console.print(f"publishing {{'exec': 'rebalance'}} on {LIVE_CHANNEL}, and a preview on {PREVIEW_CHANNEL}")
    await world.publish(LIVE_CHANNEL, {"exec": "rebalance"})
    await world.publish(PREVIEW_CHANNEL, {})
    events = await _ended_events(api, progress, len(accounts))
    return [
        await _story(world, account, view, events[account.account_id])
        for account, view in zip(accounts, before, strict=True)
    ]


async def system_at_rest(api: ManagementApi) -> SystemState:
    """The system's own words once every part is well and nothing is queued; after a bounded time as they are."""

    async def ask() -> SystemState:
        return await api.health(), await api.queue_status()

    return await ask_until(ask, lambda state: not system_objections(*state), timeout_seconds=_REST_SECONDS)


async def _ended_events(api: ManagementApi, progress: Progress, count: int) -> Mapping[str, Mapping[str, Any]]:
    try:
        async with asyncio.timeout(_EVENT_SECONDS):
            queued = [await progress.queued_event() for _ in range(count)]
    except TimeoutError as error:
        raise StackFailed(f"not all of {count} events were queued within {_EVENT_SECONDS} s") from error
    results = await asyncio.gather(
        *(wait_for_result(api, event_id, timeout_seconds=_EVENT_SECONDS) for _, event_id in queued)
    )
    return {account_id: result for (account_id, _), result in zip(queued, results, strict=True)}


async def _story(world: WorldView, account: DemoAccount, before: AccountView, event: Mapping[str, Any]) -> AccountStory:
    after, prices, weights, orders_sent = await asyncio.gather(
        world.account(account.account_id),
        world.prices(),
        world.weights(account.channel),
        world.orders_sent(account.account_id),
    )
    return AccountStory(account, before, after, prices, weights, orders_sent, event)
