"""The faults of a trial of the whole system, by their numbers; the trial heals what they leave."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx

from chaos.points import Strike
from chaos.pulse import some_time
from chaos.system_level.stage import Stage, awake
from chaos.system_level.world import ACCOUNTS
from running_system import Service

POINTS: Final = tuple(
    f"{place}:{side}"
    for place in ("claim", "connect", "snapshot", "cancel_order", "place_order", "await_order", "record", "finish")
    for side in ("before", "after")
)
_LEASE_SECONDS: Final = 3.0

Deed = Callable[[Stage, random.Random], Awaitable[None]]


async def kill_worker(stage: Stage, chance: random.Random) -> None:
    """F1: kill -9 of the event-processor at random moments."""
    for _ in range(chance.randint(1, 3)):
        await some_time(chance.uniform(0, 0.6))
        await stage.restart(stage.system.processor)


async def strike_worker(stage: Stage, chance: random.Random) -> None:
    """F2: kill -9 of the event-processor at named points of a transition and of a rebalance."""
    for _ in range(chance.randint(1, 2)):
        await stage.restart(stage.system.processor, Strike(chance.choice(POINTS), chance.randint(1, 4), "kill"))
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await stage.system.processor.gone()


async def pause_worker(stage: Stage, chance: random.Random) -> None:
    """F3: the event-processor is stopped at a named point for longer than its lease, while another stands by."""
    first = stage.system.processor
    standby = Service("event_processor", first.environment, stage.directory, launch=stage.launcher)
    place = chance.choice(("place_order:before", "place_order:after", "snapshot:after", "finish:before"))
    await stage.launcher.start(standby)
    try:
        await stage.restart(first, Strike(place, 1, "stop"))
        await some_time(_LEASE_SECONDS + chance.uniform(0.5, 1))
        awake(first)
        await some_time(chance.uniform(0.2, 1))
    finally:
        await standby.kill()
        # It may not have come to the place at which it stops itself, and would do so when nobody wakes it any more.
        await stage.restart(first)


async def damage_wires(stage: Stage, chance: random.Random) -> None:
    """F4, F5: replies and requests of Redis are lost, connections reset, bytes split and late."""
    damage = stage.redis_wire.damage
    damage.longest_delay = chance.choice((0, 0.003))
    for _ in range(chance.randint(2, 10)):
        damage.replies_to_lose += chance.randint(0, 2)
        damage.requests_to_lose += chance.randint(0, 1)
        await some_time(chance.uniform(0, 0.15))
    stage.redis_wire.cut()
    stage.redis_wire.heal()


async def kill_redis(stage: Stage, chance: random.Random) -> None:
    """F6: kill -9 of Redis, and back."""
    await some_time(chance.uniform(0, 0.6))
    await stage.restart_store(stage.redis, away_seconds=chance.uniform(0, 0.5))


async def upset_redis(stage: Stage, chance: random.Random) -> None:
    """F9, F10: forgotten scripts, a read-only Redis, one at its memory limit."""
    await some_time(chance.uniform(0, 0.4))
    match chance.choice(("flush", "readonly", "full")):
        case "flush":
            await stage.raw.script_flush()
        case "readonly":
            await stage.raw.execute_command("REPLICAOF", "127.0.0.1", "1")
            await some_time(chance.uniform(0.1, 0.6))
            await stage.raw.execute_command("REPLICAOF", "NO", "ONE")
        case _:
            await stage.raw.config_set("maxmemory", "1")
            await some_time(chance.uniform(0.1, 0.6))
            await stage.raw.config_set("maxmemory", "0")


async def remove_postgres(stage: Stage, chance: random.Random) -> None:
    """F12, F13: PostgreSQL is killed or hangs under load."""
    await some_time(chance.uniform(0, 0.5))
    if chance.random() < 0.5:
        await stage.restart_store(stage.postgres, away_seconds=chance.uniform(0, 1))
        return
    stage.postgres_wire.damage.is_dead = True
    await some_time(chance.uniform(0.3, 1))
    stage.postgres_wire.heal()


async def post_hostile(stage: Stage, chance: random.Random) -> None:
    """F15: payloads that nothing could store; refused over HTTP, previews of nothing over Ably."""
    api = stage.system.api
    bodies = (
        '{"n": 1e999}',
        '{"n": "\\u0000"}',
        '{"n": "\\ud800"}',
        '{"n": NaN}',
        "[" * 5000,
        '"' + "x" * 70_000 + '"',
    )
    for body in chance.sample(bodies, 3):
        text = f'{{"account_id": "{chance.choice(ACCOUNTS)}", "exec_command": "print-equity", "data": {body}}}'
        with suppress(httpx.TransportError):
            headers = {**api.key, "Content-Type": "application/json"}
            answer = await api.http.post("/queue/events", content=text.encode(), headers=headers)
            if answer.is_success or answer.status_code in (500, 501):
                raise AssertionError(f"a hostile payload was answered {answer.status_code}: {body[:40]}")


async def call_the_api(stage: Stage, chance: random.Random) -> None:
    """F21: eight clients look, list, look up and delete at random while work goes on."""

    async def client() -> None:
        for _ in range(12):
            with suppress(httpx.HTTPError):
                await chance.choice(_calls(stage))()
            await some_time(chance.uniform(0, 0.05))

    await asyncio.gather(*(client() for _ in range(8)))


def _calls(stage: Stage) -> list[Callable[[], Awaitable[Any]]]:
    async def delete_preview() -> None:
        waiting = await stage.system.api.waiting()
        for event in waiting:
            if event["exec_command"] == "print-rebalance":
                await stage.system.api.delete(event["event_id"])
                return

    async def look_one_up() -> None:
        for event in (await stage.system.api.waiting())[:1]:
            await stage.system.api.event(event["event_id"])

    return [stage.look, stage.look, stage.system.api.waiting, stage.system.api.health, delete_preview, look_one_up]


async def disturb_ably(stage: Stage, chance: random.Random) -> None:
    """F22: Ably drops connections, loses continuity, is away, or says nothing."""
    for _ in range(chance.randint(1, 2)):
        await some_time(chance.uniform(0, 0.3))
        action, back = chance.choice(
            (("drop", None), ("lose_continuity", None), ("unavailable", "available"), ("black_hole", "heal"))
        )
        await stage.steer_ably(action)
        if back is not None:
            await some_time(chance.uniform(0.1, 0.5))
            await stage.steer_ably(back)
            await stage.steer_ably("drop")


async def kill_broker(stage: Stage, chance: random.Random) -> None:
    """F22, F13: kill -9 of the event-broker before or after it takes signals in, or between insert, commit and trim."""
    places = ("enqueue", "insert", "cursor", "append", "trim")
    point = f"{chance.choice(places)}:{chance.choice(('before', 'after'))}"
    await some_time(chance.uniform(0, 0.3))
    await stage.restart(stage.system.broker, Strike(point, chance.randint(1, 4), "kill"))
    with suppress(TimeoutError):
        async with asyncio.timeout(1.5):
            await stage.system.broker.gone()


async def stop_in_order(stage: Stage, chance: random.Random) -> None:
    """F23: SIGTERM of one service after the other during work: a rolling restart."""
    services = list(stage.system.services)
    chance.shuffle(services)
    for service in services[: chance.randint(1, 3)]:
        code = await stage.stop_in_order(service)
        if code not in (0, None, -signal.SIGTERM):
            raise AssertionError(f"a service ended with {code} after SIGTERM")


async def kill_several(stage: Stage, chance: random.Random) -> None:
    """F1, F6, F13, F22 at once: several processes and stores die in the same moment."""
    await some_time(chance.uniform(0.1, 0.6))
    services = chance.sample(stage.system.services, chance.randint(1, 3))
    stores = chance.sample([stage.redis, stage.postgres], chance.randint(0, 2))
    await asyncio.gather(
        *(stage.restart(service) for service in services), *(stage.restart_store(store) for store in stores)
    )


async def disturb_gateway(stage: Stage, chance: random.Random) -> None:
    """Beyond the list: the gateway drops its connections in the middle of a rebalance."""
    for _ in range(chance.randint(1, 3)):
        await some_time(chance.uniform(0, 0.3))
        await stage.steer_gateway("drop")


FAULTS: Final[Mapping[str, Deed]] = {
    "F1": kill_worker,
    "F2": strike_worker,
    "F3": pause_worker,
    "F4+F5": damage_wires,
    "F6": kill_redis,
    "F9+F10": upset_redis,
    "F12+F13": remove_postgres,
    "F15": post_hostile,
    "F21": call_the_api,
    "F22": disturb_ably,
    "F13+F22": kill_broker,
    "F23": stop_in_order,
    "F1+F6+F13+F22": kill_several,
    "gateway": disturb_gateway,
}
