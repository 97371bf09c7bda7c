"""One running system that many trials share, and everything that can be done to it."""

import asyncio
import json
import random
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from redis.exceptions import RedisError

from chaos.observation import Glance, Order, Signal
from chaos.points import Strike
from chaos.processes import Nursery
from chaos.pulse import some_time
from chaos.reading import raw_redis
from chaos.restarts import Restarts, Store
from chaos.system_level.launcher import Launcher
from chaos.system_level.world import MODELS, WORLD, followers
from chaos.wire import Wire, open_wire
from event_queue.testing.postgres_server import PostgresServer, running_postgres
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Service, Stores, System, running_system

MODULES = ("event_broker.main", "event_processor.main", "management_service.main")
SETTINGS: Mapping[str, str] = {
    "PROCESSING_LEASE_SECONDS": "3",
    "PROCESSING_PAUSE_CONNECTION_SECONDS": "0.2",
    "PROCESSING_PAUSE_UNEXPECTED_SECONDS": "1",
    "PROCESSING_PAUSE_REJECTED_SECONDS": "1",
    "PROCESSING_SHUTDOWN_GRACE_SECONDS": "1",
    "IBKR_CONNECT_DELAY_SECONDS": "0.1",
    "ABLY_RETENTION_SECONDS": "3600",
    "LOGGING_LEVEL": "INFO",
}
PREFIX = "{chaos}:"
_LOOK_SECONDS = 0.1
_CONTROL_SECONDS = 120.0
"""Bounds a hang of the sandbox. It shares this process, which may get no time for half a minute on a busy machine."""


@dataclass(kw_only=True)
class Stage:
    """The system, its stores and wires, and what was sent to it and seen of it in all trials so far."""

    system: System
    nursery: Nursery
    directory: Path
    redis: RedisServer
    postgres: PostgresServer
    dsn: str
    raw: Any
    redis_wire: Wire
    postgres_wire: Wire
    launcher: Launcher
    restarts: Restarts = field(default_factory=Restarts)
    kills: int = 0
    signals: dict[int, Signal] = field(default_factory=dict[int, Signal])
    unanswered: set[int] = field(default_factory=set[int])
    """Signals on their way through Ably or a file, whose sender is told nothing."""
    glances: list[Glance] = field(default_factory=list[Glance])
    models: dict[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])

    @property
    def folder(self) -> Path:
        """Where trigger files go."""
        return self.directory / "data/manual-rebalance"

    def model_of(self, account: str) -> Mapping[str, float]:
        """The targets that the account follows now."""
        return self.models.get(account, MODELS[0])

    def next_number(self) -> int:
        """Of the next signal."""
        return len(self.signals) + 1

    async def restart(self, service: Service, *strikes: Strike) -> None:
        """Kill -9, and start again; the new process is struck where it is told."""
        self.kills += 1
        async with self.launcher.turn_of(service):
            await service.kill()
            await self.launcher.start(service, *strikes)

    async def stop_in_order(self, service: Service) -> int | None:
        """SIGTERM, and start again; the exit code, None of a process that may have died of a strike."""
        async with self.launcher.turn_of(service):
            was_armed = self.launcher.is_armed(service)
            service.terminate()
            code = await service.ended()
            await self.launcher.start(service)
        return None if was_armed else code

    async def revive(self) -> None:
        """Start every service that has died."""
        for service in self.system.services:
            async with self.launcher.turn_of(service):
                if not service.is_running:
                    await service.ended()
                    await self.launcher.start(service)

    async def restart_store(self, store: Store, *, away_seconds: float = 0) -> None:
        """Kill -9 of a store, and back."""
        self.kills += 1
        await self.restarts.restart(store, lambda: some_time(away_seconds))

    async def publish(self, account: str, data: Mapping[str, Any], *, message_id: str | None = None) -> None:
        """On the account's channel, over the control API of the outside world."""
        body = {"channel": self.system.channels[account], "data": data, "id": message_id}
        await self._control("POST", "/publish", json=body)

    async def orders(self) -> list[Order]:
        """Every order that has reached the brokerage, by its own journal."""
        found: list[Order] = []
        since = 0
        while True:
            page = await self._control("GET", "/journal", params={"since": since, "limit": 10_000})
            entries: Sequence[Any] = page["entries"]
            found += [_order(entry) for entry in entries if entry["kind"] == "place_order"]
            if not entries:
                return found
            since = entries[-1]["seq"]

    async def held(self, account: str) -> dict[str, int]:
        """Whole shares by symbol, as the brokerage has it."""
        state = await self._control("GET", f"/accounts/{account}")
        return {each["symbol"]: int(float(each["quantity"])) for each in state["positions"] if float(each["quantity"])}

    async def steer_ably(self, action: str) -> None:
        """Make Ably misbehave, or behave again."""
        await self._control("POST", "/ably", json={"action": action})

    async def steer_gateway(self, state: str) -> None:
        """Make the gateway misbehave, or behave again."""
        await self._control("POST", "/gateway", json={"state": state})

    async def drop(self, number: int, account: str, command: str) -> None:
        """Leave a trigger file, whole, as tools/rebalance.sh does."""
        document = json.dumps({"account_id": account, "exec": command, "source": "manual", "n": number})
        await asyncio.to_thread(_write_whole, self.folder, f"{account}-{number}.json", document)

    async def look(self) -> None:
        """Ask for the counters as an operator does, between two looks at the last record."""
        with suppress(httpx.HTTPError, RedisError):
            after = await self._counter()
            status = await self.system.api.status()
            until = await self._counter()
            self.glances.append(
                Glance(
                    after=after,
                    until=until,
                    aside=status["queue_length"] + status["delayed"],
                    processing=status["processing"],
                    active=status["active_events_count"],
                    retrying=status["events_with_retries"],
                )
            )

    async def keep_looking(self, *, every: float = _LOOK_SECONDS) -> None:
        """Do so again and again, until cancelled."""
        while True:
            await self.look()
            await some_time(every)

    async def _counter(self) -> int:
        return int(await self.raw.get(f"{PREFIX}outbox_counter") or 0)

    async def _control(self, method: str, path: str, **more: Any) -> Any:
        async with httpx.AsyncClient(timeout=_CONTROL_SECONDS) as client:
            answer = await client.request(method, f"{self.system.sandbox.control_url}{path}", **more)
        return answer.raise_for_status().json()


@asynccontextmanager
async def open_stage(nursery: Nursery, chance: random.Random, schema: str) -> AsyncGenerator[Stage]:
    """A system of its own with stores of its own, ready for signals."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(running_redis())
        postgres = stack.enter_context(running_postgres())
        dsn = await postgres.create_database(schema)
        redis_wire = await stack.enter_async_context(open_wire(redis.port, chance))
        postgres_wire = await stack.enter_async_context(open_wire(postgres.port, chance))
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="chaos-")))
        raw = raw_redis(redis.port)
        stack.push_async_callback(raw.aclose)
        stores = Stores(
            redis_port=redis_wire.port,
            key_prefix=PREFIX,
            postgres_port=postgres_wire.port,
            database=dsn.rpartition("/")[2],
        )
        launcher = Launcher(nursery)
        system = await stack.enter_async_context(
            running_system(directory, stores, followers(), WORLD, settings=SETTINGS, launch=launcher)
        )
        stage = Stage(
            system=system,
            nursery=nursery,
            directory=directory,
            redis=redis,
            postgres=postgres,
            dsn=dsn,
            raw=raw,
            redis_wire=redis_wire,
            postgres_wire=postgres_wire,
            launcher=launcher,
        )
        stack.push_async_callback(stage.restarts.ended)
        yield stage


def awake(service: Service) -> None:
    """Let a stopped process go on."""
    service.send_signal(signal.SIGCONT)


def _order(entry: Mapping[str, Any]) -> Order:
    return Order(entry["order_ref"], entry["account"], _ms(entry["at"]))


def _ms(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() * 1000


def _write_whole(folder: Path, name: str, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{name}.tmp"
    half.write_text(text, "utf-8")
    half.rename(folder / name)
