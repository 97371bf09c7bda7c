"""A rebalance of 20 symbols against a simulated gateway that answers slowly: how much longer than it must it take?

Once the gateway answers so slowly that nothing else counts, every step of the run is told by what was asked at it: the
number of steps is the number of replies that are waited for one after another. That many replies and two fills
(sells, then buys) are the longest chain of dependent replies, which nothing can be faster than.

The gateway closes connections that send more than 50 messages a second, so the connector paces itself at 45. A
rebalance that needs more than those within its chain waits for the next second: one of 20 symbols whose contract
details are at hand needs 45, and each symbol without them one more.

`python -m bench.rebalance` measures this alone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import median
from typing import Final
from uuid import UUID

from event_processor.rebalancer import LiveRun, Rebalancer
from event_processor.testing.fate import Fate, FatefulGuard, FatefulRecorder
from ibkr_connector import IBKRClient, IBKRConnectionSettings
from rebalance_calculator import TargetWeight
from sandbox.gateway import GatewayServer
from sandbox.world import World
from sandbox.world.journal import JournalEntry
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
_VERY_SLOW_MS: Final = {True: 600, False: 1500}
"""So long that all else is short beside it, by whether contracts are known: the pace never waits (more messages need
more time), and prices asked for early do not grow so old that they are asked for again."""
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
    messages: int = 0
    """Sent to the gateway, from the first question to the last answer."""
    asked: tuple[str, ...] = ()
    """What was asked for at each step."""

    @property
    def chain(self) -> float:
        """Seconds of the longest chain of dependent replies."""
        return (self.steps * REPLY_MS + FILLS_IN_CHAIN * FILL_MS) / _MILLISECONDS

    @property
    def ratio(self) -> float:
        """How much longer than the chain it took."""
        return self.slow / self.chain


@dataclass(frozen=True, slots=True)
class _Run:
    """One rebalance, with every message that reached the gateway meanwhile."""

    seconds: float
    requests: tuple[JournalEntry, ...]

    def asked(self, reply_ms: int) -> tuple[str, ...]:
        """What was asked for at each step, that is after each reply. What was given back is left out."""
        steps: list[Counter[str]] = []
        last: datetime | None = None
        for request in self.requests:
            name = str(request.details["message"])
            if name.startswith("CANCEL_"):
                continue
            if last is None or (request.at - last).total_seconds() * _MILLISECONDS > reply_ms / 2:
                steps.append(Counter())
            steps[-1][name] += 1
            last = request.at
        return tuple(_words(step) for step in steps)


async def measure_rebalance(*, rounds: int, contracts_known: bool) -> RebalanceSpeed:
    """The steps of one very slow run, and the median time over some rounds, each on a fresh gateway."""
    reply_ms = _VERY_SLOW_MS[contracts_known]
    asked = (await _one_run(contracts_known=contracts_known, reply_ms=reply_ms, fill_ms=0)).asked(reply_ms)
    slow = [await _one_run(contracts_known=contracts_known, reply_ms=REPLY_MS, fill_ms=FILL_MS) for _ in range(rounds)]
    return RebalanceSpeed(
        steps=len(asked),
        slow=median(run.seconds for run in slow),
        messages=max(len(run.requests) for run in slow),
        asked=asked,
    )


async def _one_run(*, contracts_known: bool, reply_ms: int, fill_ms: int) -> _Run:
    """One rebalance, the connection open before."""
    clock, loop = SystemClock(), asyncio.get_running_loop()
    async with _client() as (world, client):
        if contracts_known:
            await _rebalancer(client).preview(_account(), _weights())
            await clock.pause(_PACE_SECONDS)
        world.set_latency({"reply_ms": reply_ms, "fill_ms": fill_ms})
        before = len(world.journal.of("request"))
        start = loop.time()
        run = await _rebalancer(client).execute(_account(), _weights(), event_id=_EVENT, attempt=1)
        took = loop.time() - start
        requests = tuple(world.journal.of("request"))[before:]
    if not isinstance(run, LiveRun) or len(run.orders) != len(SYMBOLS) or run.incomplete:
        raise RuntimeError(f"the benchmark's rebalance was not carried out as planned: {run}")
    return _Run(took, requests)


def _words(step: Counter[str]) -> str:
    """`all open orders, 20 market data`."""
    named = ((name.replace("_", " ").lower(), count) for name, count in step.items())
    return ", ".join(f"{count} {name}" if count > 1 else name for name, count in named)


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


async def _main() -> None:
    for name, known in {"first after a start": False, "later ones": True}.items():
        speed = await measure_rebalance(rounds=5, contracts_known=known)
        print(f"{name}: {speed.slow:.2f} s, {speed.ratio:.2f} times the chain of {speed.chain:.2f} s")
        print(f"  {speed.steps} dependent replies and {FILLS_IN_CHAIN} fills, {speed.messages} messages")
        print("".join(f"  {number}. {asked}\n" for number, asked in enumerate(speed.asked, start=1)))


if __name__ == "__main__":
    asyncio.run(_main())
