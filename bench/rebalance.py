"""A rebalance of 20 symbols against a simulated gateway that answers slowly: how much longer than it must it take?

Once the gateway answers so slowly that nothing else counts: the time divided by that latency is the number of replies
that are waited for one after another. That many replies and two fills (sells, then buys) are the longest chain of
dependent replies, which nothing can be faster than.

The gateway closes connections that send more than 50 messages a second, so the connector paces itself. Contracts are
asked for once: the first rebalance after a start needs more messages than the pace lets through at once, and waits.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from time import perf_counter
from typing import Final
from uuid import UUID

from event_processor.rebalancer import LiveRun, Rebalancer
from event_processor.testing.fate import Fate, FatefulGuard, FatefulRecorder
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from rebalance_calculator import TargetWeight
from sandbox.gateway import GatewayServer
from sandbox.world import World
from service_runtime.accounts import AccountConfig, NotificationConfig
from service_runtime.clock import SystemClock
from service_runtime.settings import OrdersSettings

SYMBOLS: Final = tuple(f"S{number:02}" for number in range(20))
REPLY_MS: Final = 50
FILL_MS: Final = 200
FILLS_IN_CHAIN: Final = 2
MOST: Final = 1.3
"""The ratio that a rebalance must stay within."""
_MILLISECONDS: Final = 1000
_VERY_SLOW_MS: Final = 1500
"""Longer than the connector's pace ever waits."""
_PACE_SECONDS: Final = 3.5
"""After so long a silence the last quotes are given back, and nothing is left of the pace's last messages."""
_ACCOUNT: Final = "DU1"
_EVENT: Final = UUID("11111111-1111-4111-8111-111111111111")


@dataclass(frozen=True, slots=True)
class RebalanceSpeed:
    """What was measured, in seconds."""

    steps: int
    """Replies waited for one after another."""
    slow: float
    """With the latency of `REPLY_MS` and `FILL_MS`."""

    @property
    def chain(self) -> float:
        """Seconds of the longest chain of dependent replies."""
        return (self.steps * REPLY_MS + FILLS_IN_CHAIN * FILL_MS) / _MILLISECONDS

    @property
    def ratio(self) -> float:
        """How much longer than the chain it took."""
        return self.slow / self.chain


async def measure_rebalance(*, rounds: int, contracts_known: bool) -> RebalanceSpeed:
    """The replies of one very slow run, and the median time over some rounds, each on a fresh gateway."""
    longest = await _one_run(contracts_known=contracts_known, reply_ms=_VERY_SLOW_MS, fill_ms=0)
    slow = [await _one_run(contracts_known=contracts_known, reply_ms=REPLY_MS, fill_ms=FILL_MS) for _ in range(rounds)]
    return RebalanceSpeed(round(longest * _MILLISECONDS / _VERY_SLOW_MS), median(slow))


async def _one_run(*, contracts_known: bool, reply_ms: int, fill_ms: int) -> float:
    """Seconds of one rebalance, the connection open before."""
    async with _client() as (world, client):
        if contracts_known:
            await _rebalancer(client).preview(_account(), _weights())
            await SystemClock().pause(_PACE_SECONDS)
        world.set_latency({"reply_ms": reply_ms, "fill_ms": fill_ms})
        began = perf_counter()
        run = await _rebalancer(client).execute(_account(), _weights(), event_id=_EVENT, attempt=1)
        took = perf_counter() - began
    if not isinstance(run, LiveRun) or len(run.orders) != len(SYMBOLS) or run.incomplete:
        raise RuntimeError(f"the benchmark's rebalance was not carried out as planned: {run}")
    return took


@asynccontextmanager
async def _client() -> AsyncGenerator[tuple[World, IBKRClient]]:
    held = [{"symbol": symbol, "quantity": 100} for symbol in SYMBOLS[:10]]
    world = World.from_dict(
        {
            "accounts": [{"id": _ACCOUNT, "cash": 0, "positions": held}],
            "instruments": [{"symbol": symbol, "price": 100} for symbol in SYMBOLS],
        }
    )
    clock = SystemClock()
    async with GatewayServer(world) as gateway:
        settings = IBKRConnectionSettings(host="127.0.0.1", port=gateway.port, client_id=17, trading_mode="paper")
        client = IBKRClient(settings, now=clock.now, pause=clock.pause)
        await client.connect()
        try:
            yield world, client
        finally:
            await client.disconnect()
            world.close()


def _rebalancer(client: IBKRClient) -> Rebalancer:
    never_dies = Fate()
    return Rebalancer(
        broker=client,
        clock=SystemClock(),
        orders=OrdersSettings(),
        recorder=FatefulRecorder(never_dies),
        guard=FatefulGuard(never_dies),
    )


def _account() -> AccountConfig:
    return AccountConfig(account_id=_ACCOUNT, notification=NotificationConfig(channel="bench"))


async def _weights() -> tuple[TargetWeight, ...]:
    return tuple(TargetWeight(symbol, Decimal(1) / len(SYMBOLS)) for symbol in SYMBOLS)
