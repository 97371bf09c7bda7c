"""The faults of a trial of the queue, by their numbers in the list of faults (README.md describes each).

A fault prepares the arena before anybody is in it, and acts while signals flow. Whatever it did ends with its `act`.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from chaos.actors.names import LEASE_SECONDS, STEP_KEY
from chaos.points import Strike
from chaos.pulse import some_time
from chaos.queue_level.arena import STRANGERS, Arena
from chaos.queue_level.load import poisoned
from chaos.queue_level.post import Post

_WORKER_PLACES: Final = ("acquire_lease", "claim", "finish", "requeue", "delay", "record", "recover", "order")
_RELAY_PLACES: Final = ("insert", "cursor", "append", "trim")
_SIDES: Final = ("before", "after")
_PATIENCE_SECONDS: Final = 4.0
_HOUR_MS: Final = 3_600_000

Deed = Callable[[Arena], Awaitable[None]]


async def _nothing(_arena: Arena) -> None:
    """Needs no preparation."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to the queue."""

    number: str
    act: Deed
    prepare: Deed = _nothing


async def kill_worker(arena: Arena) -> None:
    """F1: kill -9 of the worker at random moments."""
    for _ in range(arena.chance.randint(1, 4)):
        await some_time(arena.chance.uniform(0, 0.1))
        arena.kill(arena.worker)


async def strike_worker(arena: Arena) -> None:
    """F2: kill -9 of the worker at named points."""
    for _ in range(arena.chance.randint(1, 3)):
        await arena.worker.strike(_strike(arena, _WORKER_PLACES, "kill"))
        arena.kills += 1
        await some_time(arena.chance.uniform(0.05, 0.2))


async def strike_at_work(arena: Arena) -> None:
    """F2: kill -9 of the worker right after it has sent an order, again and again."""
    for _ in range(3):
        await arena.worker.strike(Strike("order:after", arena.chance.randint(1, 5), "kill"))
        arena.kills += 1
        await some_time(arena.chance.uniform(0.1, 0.2))


async def pause_worker(arena: Arena) -> None:
    """F3: the worker is stopped for longer than its lease, at a named point, while another stands by."""
    standby = arena.add_worker("standby", hands=1)
    place = arena.chance.choice(("order:before", "order:after", "finish:before", "record:after", "claim:after"))
    await standby.start()
    await arena.worker.strike(Strike(place, arena.chance.randint(1, 4), "stop"))
    await some_time(LEASE_SECONDS + arena.chance.uniform(0.4, 0.8))
    arena.worker.signal(signal.SIGCONT)


async def take_lease_away(arena: Arena) -> None:
    """F3: the worker is stopped right before an order, and wakes when another has its lease and has traded."""
    standby = arena.add_worker("successor", hands=1)
    point = "order:before"
    await arena.worker.strike(Strike(point, arena.chance.randint(1, 6), "stop"))
    if await arena.pulse.until(lambda: _has_told(arena.worker, "struck"), seconds=_PATIENCE_SECONDS):
        await standby.start()
        await arena.pulse.until(lambda: _has_told(standby, "order"), seconds=LEASE_SECONDS + _PATIENCE_SECONDS)
    arena.worker.signal(signal.SIGCONT)


async def lose_replies(arena: Arena) -> None:
    """F4: replies of Redis are lost after it has done its work."""
    for _ in range(arena.chance.randint(5, 15)):
        wire = arena.chance.choice((arena.redis_wire, arena.worker_wire, arena.worker_wire))
        wire.damage.replies_to_lose += 1
        await some_time(arena.chance.uniform(0, 0.03))


async def lose_replies_at_work(arena: Arena) -> None:
    """F4: the replies to the worker's claims, and to the ends that claim the next event, are lost on purpose."""
    strikes = {Strike("finish:after", hit, "lose") for hit in arena.chance.sample(range(1, 12), 5)}
    await arena.worker.strike(Strike("claim:after", 1, "lose"), *strikes)
    await arena.pulse.until(lambda: _has_told(arena.worker, "struck"), seconds=_PATIENCE_SECONDS)


async def damage_wire(arena: Arena) -> None:
    """F5: requests lost, connections reset, delays, split bytes, and now and then a black hole."""
    wire = arena.chance.choice((arena.redis_wire, arena.worker_wire))
    damage = wire.damage
    damage.longest_delay = arena.chance.choice((0, 0.002, 0.01))
    damage.splits = arena.chance.random() < 0.3
    for _ in range(arena.chance.randint(1, 5)):
        damage.requests_to_lose += arena.chance.randint(0, 1)
        await some_time(arena.chance.uniform(0, 0.05))
        wire.cut()
    if arena.chance.random() < 0.15:
        damage.is_dead = True
        await some_time(1.2)
    wire.heal()


async def slow_wire(arena: Arena) -> None:
    """F5: replies take their time, so that whatever takes two steps is met between them."""
    for wire in (arena.redis_wire, arena.worker_wire):
        wire.damage.longest_delay = 0.008
    await arena.all_sent(seconds=10)


async def kill_redis(arena: Arena) -> None:
    """F6: kill -9 of Redis under load."""
    if arena.chance.random() < 0.5:
        await arena.raw.config_set("appendfsync", "everysec")
    for _ in range(arena.chance.randint(1, 2)):
        await some_time(arena.chance.uniform(0, 0.1))
        await arena.restart_redis(away_seconds=arena.chance.uniform(0, 0.1))


async def upset_redis(arena: Arena) -> None:
    """F9: forgotten scripts, a server that loads, one that is read-only, one that cannot save."""
    match arena.chance.choice(("flush", "loading", "readonly", "misconf")):
        case "flush":
            for _ in range(4):
                await arena.raw.script_flush()
                await some_time(0.02)
        case "loading":
            arena.worker_wire.damage.refusals = arena.chance.randint(1, 12)
            await some_time(0.1)
        case "readonly":
            await arena.raw.execute_command("REPLICAOF", "127.0.0.1", "1")
            await some_time(arena.chance.uniform(0.02, 0.2))
            await arena.raw.execute_command("REPLICAOF", "NO", "ONE")
        case _:
            await _cannot_save(arena)


async def _cannot_save(arena: Arena) -> None:
    gone = arena.redis.directory / "gone"
    await asyncio.to_thread(gone.mkdir)
    await arena.raw.config_set("save", "3600 1")
    await arena.raw.config_set("dir", str(gone))
    await asyncio.to_thread(gone.rmdir)
    await arena.raw.bgsave()
    await some_time(arena.chance.uniform(0.05, 0.2))
    await arena.raw.config_set("dir", str(arena.redis.directory))
    await arena.raw.config_set("save", "")


async def fill_memory(arena: Arena) -> None:
    """F10: Redis at its memory limit takes nothing in; what waits is worked on to its end all the same."""
    await some_time(arena.chance.uniform(0, 0.05))
    await arena.raw.config_set("maxmemory", "1")
    before = len(arena.worker.told)
    waiting = await arena.raw.llen("rebalance_queue")
    is_worked_on = await arena.pulse.until(
        lambda: any("order" in line for line in arena.worker.told[before:]), seconds=3 if waiting else 0.1
    )
    if waiting and arena.is_alone and not is_worked_on:
        arena.remarks.append(("I8", f"{waiting} events waited, and a full Redis kept the worker from them"))
    await arena.raw.config_set("maxmemory", "0")


async def prepare_slow_work(arena: Arena) -> None:
    """So that a line forms."""
    arena.worker.set(hands=1, work_seconds=0.01)


async def fill_memory_before_a_line(arena: Arena) -> None:
    """F10: Redis reaches its memory limit while many events wait; each of them is worked on all the same."""
    await arena.all_sent()
    await arena.raw.config_set("maxmemory", "1")
    waiting = set(await arena.raw.lrange("rebalance_queue", 0, -1))
    is_worked_on = await arena.pulse.until(lambda: waiting <= _events_of(arena.worker.told), seconds=_PATIENCE_SECONDS)
    if arena.is_alone and not is_worked_on:
        left = len(waiting - _events_of(arena.worker.told))
        arena.remarks.append(
            ("I8", f"{left} of {len(waiting)} events waited, and a full Redis kept the worker from them")
        )
    await arena.raw.config_set("maxmemory", "0")


def _events_of(told: Sequence[Mapping[str, Any]]) -> set[str]:
    """Ids of the events that orders were sent for."""
    return {line["order"].partition(":")[0] for line in told if "order" in line}


async def prepare_wrong_type(arena: Arena) -> None:
    """F11: a key of the queue has another type when the services start."""
    key = arena.chance.choice(STRANGERS)
    await arena.raw.set(key, "a stranger's")
    arena.worker.set(wrong_key=key)


async def mend_wrong_type(arena: Arena) -> None:
    """The operator removes the stranger's key; until then nothing may have been claimed."""
    await some_time(arena.chance.uniform(0.05, 0.2))
    for key in STRANGERS:
        if await arena.raw.type(key) == "string":
            await arena.raw.delete(key)
    if any("order" in line for line in arena.worker.told):
        arena.remarks.append(("I5", "the worker traded although a key of the queue had another type"))


async def leave_dangling_key(arena: Arena) -> None:
    """F11: an active key that names no living event, as an older crash or a stranger might leave it."""
    for source in arena.load.values():
        for each in source[-3:]:
            await arena.raw.hsetnx("active_events", f"{each['account']}:{each['command']}", "no-such-event")
    arena.has_stray_keys = True


async def remove_postgres(arena: Arena) -> None:
    """F12: PostgreSQL is away, refused or hung, while signals flow; trading goes on."""
    if arena.chance.random() < 0.5:
        await arena.restart_postgres(away_seconds=arena.chance.uniform(0.1, 0.4))
        return
    told = len(arena.worker.told)
    arena.postgres_wire.damage.is_dead = True
    await some_time(arena.chance.uniform(0.2, 0.5))
    is_worked_on = await arena.pulse.until(lambda: len(arena.worker.told) > told, seconds=_PATIENCE_SECONDS)
    if arena.is_alone and not is_worked_on and not all(post.is_done for post in arena.producers):
        arena.remarks.append(("I8", "nothing was worked on while PostgreSQL was away"))
    arena.postgres_wire.heal()


async def strike_relay(arena: Arena) -> None:
    """F13: kill -9 of the relay between insert, commit and trim, or of PostgreSQL at any moment."""
    for _ in range(arena.chance.randint(1, 4)):
        await arena.relay.strike(_strike(arena, _RELAY_PLACES, "kill"))
        arena.kills += 1
        await some_time(arena.chance.uniform(0.03, 0.12))
    if arena.chance.random() < 0.3:
        await arena.restart_postgres()


async def add_relays(arena: Arena) -> None:
    """F14: three relays at once."""
    for name in ("relay-2", "relay-3"):
        await arena.add_relay(name).start()


async def prepare_poison(arena: Arena) -> None:
    """F15: signals whose data nothing could store; texts of errors that PostgreSQL refuses come by themselves."""
    for source in ("api", "file"):
        poisoned(arena.load[source], arena.chance)


async def prepare_killer(arena: Arena) -> None:
    """F16: an event that kills its worker each time, among good ones."""
    arena.load["api"][0].pop("more", None)
    arena.load["api"][0] |= {"account": "DU99", "command": "rebalance", "script": ["poison"]}
    arena.worker.set(kills_for_poison=True)


async def outlive_killer(arena: Arena) -> None:
    """All the others end although it kills again and again; then it is mended."""
    others = sum(len(signals) for signals in arena.load.values()) - 1
    await arena.all_sent()
    if not await arena.pulse.until(lambda: arena.worker.starts > 1, seconds=5):
        arena.remarks.append(("I8", f"the poison never reached the worker, nor did {others} others"))
    arena.kills += arena.worker.starts - 1
    arena.worker.set(kills_for_poison=False)


async def prepare_clock(arena: Arena) -> None:
    """F19: scripts and workers run by clocks that can be stepped."""
    arena.set_for_all(steps_clock=True)
    arena.clock_is_steady = False


async def step_clock(arena: Arena) -> None:
    """F19: the clocks of Redis and of the worker jump an hour, either way, and back; that ends the lease early."""
    step = arena.chance.choice((-1, 1))
    await some_time(arena.chance.uniform(0, 0.1))
    await arena.raw.set(STEP_KEY, step * _HOUR_MS)
    if step > 0:
        await arena.raw.delete("processor_lease")
    arena.worker.set(clock_step_hours=step)
    arena.kill(arena.worker)
    await some_time(arena.chance.uniform(0.05, 0.3))
    arena.worker.set(clock_step_hours=0)
    arena.kill(arena.worker)
    await arena.raw.set(STEP_KEY, _HOUR_MS)


async def cancel_within(arena: Arena) -> None:
    """F20: cancellation at named points of worker and relay; no connection may be left one reply behind."""
    places = ("claim", "finish", "requeue", "record", "renew_lease")
    strikes = {_strike(arena, places, "cancel") for _ in range(3)}
    await arena.worker.strike(*strikes)
    await arena.relay.strike(_strike(arena, _RELAY_PLACES, "cancel"))
    await some_time(0.2)


async def kill_producers(arena: Arena) -> None:
    """F22: whoever brings signals dies before or after they are taken; they are sent again, some of them twice."""
    for _ in range(arena.chance.randint(1, 4)):
        await some_time(arena.chance.uniform(0, 0.05))
        arena.kill(arena.chance.choice(arena.producers))


async def stop_in_order(arena: Arena) -> None:
    """F23: SIGTERM during work; what is in hand goes on after the restart, in hand-over."""
    for _ in range(arena.chance.randint(1, 3)):
        await some_time(arena.chance.uniform(0.01, 0.1))
        stopped = sum("stopped" in line for line in arena.worker.told)
        arena.worker.signal(signal.SIGTERM)
        await arena.pulse.until(
            lambda before=stopped: sum("stopped" in line for line in arena.worker.told) > before, seconds=3
        )
        await arena.worker.start()


def _has_told(post: Post, word: str) -> bool:
    return any(word in line for line in post.told)


def _strike(arena: Arena, places: tuple[str, ...], deed: str) -> Strike:
    point = f"{arena.chance.choice(places)}:{arena.chance.choice(_SIDES)}"
    return Strike(point, arena.chance.randint(1, 5), deed)  # pyright: ignore[reportArgumentType]


FAULTS: Final[Mapping[str, Fault]] = {
    fault.number: fault
    for fault in (
        Fault("F1", kill_worker),
        Fault("F2", strike_worker),
        Fault("F2b", strike_at_work),
        Fault("F3", pause_worker),
        Fault("F3b", take_lease_away),
        Fault("F4", lose_replies),
        Fault("F4b", lose_replies_at_work),
        Fault("F5", damage_wire),
        Fault("F5b", slow_wire),
        Fault("F6", kill_redis),
        Fault("F9", upset_redis),
        Fault("F10", fill_memory),
        Fault("F10b", fill_memory_before_a_line, prepare_slow_work),
        Fault("F11", mend_wrong_type, prepare_wrong_type),
        Fault("F11b", _nothing, leave_dangling_key),
        Fault("F12", remove_postgres),
        Fault("F13", strike_relay),
        Fault("F14", add_relays),
        Fault("F15", _nothing, prepare_poison),
        Fault("F16", outlive_killer, prepare_killer),
        Fault("F19", step_clock, prepare_clock),
        Fault("F20", cancel_within),
        Fault("F22", kill_producers),
        Fault("F23", stop_in_order),
    )
}
