"""The worker dies, stops, is cancelled, or is told to stop."""

import signal
from typing import Final

from chaos.actors.names import LEASE_SECONDS
from chaos.points import Strike
from chaos.pulse import some_time
from chaos.queue_level.arena import Arena
from chaos.queue_level.faults.fault import PATIENCE_SECONDS, has_told, strike
from chaos.queue_level.faults.of_history import RELAY_PLACES
from chaos.queue_level.operator import VERDICT_SECONDS

_PLACES: Final = ("acquire_lease", "claim", "finish", "requeue", "delay", "record", "recover", "order")


async def kill_worker(arena: Arena) -> None:
    """F1: kill -9 of the worker at random moments."""
    for _ in range(arena.chance.randint(1, 4)):
        await some_time(arena.chance.uniform(0, 0.1))
        arena.kill(arena.worker)


async def strike_worker(arena: Arena) -> None:
    """F2: kill -9 of the worker at named points."""
    for _ in range(arena.chance.randint(1, 3)):
        await arena.worker.strike(strike(arena, _PLACES, "kill"))
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
    if await arena.pulse.until(lambda: has_told(arena.worker, "struck"), seconds=PATIENCE_SECONDS):
        await standby.start()
        await arena.pulse.until(lambda: has_told(standby, "order"), seconds=LEASE_SECONDS + PATIENCE_SECONDS)
    arena.worker.signal(signal.SIGCONT)


async def prepare_killer(arena: Arena) -> None:
    """F16: an event that kills its worker each time, among good ones."""
    arena.load["api"][0].pop("more", None)
    arena.load["api"][0] |= {"account": "DU99", "command": "rebalance", "script": ["poison"]}
    arena.worker.set(kills_for_poison=True)


async def outlive_killer(arena: Arena) -> None:
    """All the others end although it kills again and again; then it is mended."""
    others = sum(len(signals) for signals in arena.load.values()) - 1
    await arena.all_sent()
    # A Redis that was lost at the same time is put right first.
    if not await arena.pulse.until(lambda: arena.worker.starts > 1, seconds=VERDICT_SECONDS):
        arena.remarks.append(("I8", f"the poison never reached the worker, nor did {others} others"))
    arena.kills += arena.worker.starts - 1
    arena.worker.set(kills_for_poison=False)


async def cancel_within(arena: Arena) -> None:
    """F20: cancellation at named points of worker and relay; no connection may be left one reply behind."""
    places = ("claim", "finish", "requeue", "record", "renew_lease")
    strikes = {strike(arena, places, "cancel") for _ in range(3)}
    await arena.worker.strike(*strikes)
    await arena.relay.strike(strike(arena, RELAY_PLACES, "cancel"))
    await some_time(0.2)


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
