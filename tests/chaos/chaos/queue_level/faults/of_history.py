"""PostgreSQL is away, and the relay dies between its steps."""

from typing import Final

from chaos.pulse import some_time
from chaos.queue_level.arena import Arena
from chaos.queue_level.faults.fault import PATIENCE_SECONDS, has_told, strike

RELAY_PLACES: Final = ("insert", "cursor", "append", "trim")


async def remove_postgres(arena: Arena) -> None:
    """F12: PostgreSQL is away, refused or hung, while signals flow; trading goes on."""
    if arena.chance.random() < 0.5:
        await arena.restart_postgres(away_seconds=arena.chance.uniform(0.1, 0.4))
        return
    has_begun = await arena.pulse.until(lambda: _trading_has_begun(arena), seconds=PATIENCE_SECONDS)
    told = len(arena.worker.told)
    arena.postgres_wire.damage.is_dead = True
    await some_time(arena.chance.uniform(0.2, 0.5))
    is_worked_on = await arena.pulse.until(lambda: len(arena.worker.told) > told, seconds=PATIENCE_SECONDS)
    if arena.is_alone and has_begun and not is_worked_on and not all(post.is_done for post in arena.producers):
        arena.remarks.append(("I8", "nothing was worked on while PostgreSQL was away"))
    arena.postgres_wire.heal()


def _trading_has_begun(arena: Arena) -> bool:
    """Whether everybody has compared Redis with history; before that a new one is not taken for sound so soon."""
    has_taken_in = all(post.answers or post.is_done for post in arena.producers)
    return has_taken_in and has_told(arena.worker, "order")


async def strike_relay(arena: Arena) -> None:
    """F13: kill -9 of the relay between insert, commit and trim, or of PostgreSQL at any moment."""
    for _ in range(arena.chance.randint(1, 4)):
        await arena.relay.strike(strike(arena, RELAY_PLACES, "kill"))
        arena.kills += 1
        await some_time(arena.chance.uniform(0.03, 0.12))
    if arena.chance.random() < 0.3:
        await arena.restart_postgres()


async def add_relays(arena: Arena) -> None:
    """F14: three relays at once."""
    for name in ("relay-2", "relay-3"):
        await arena.add_relay(name).start()
