"""Signals that nothing could store, and senders that die."""

from chaos.pulse import some_time
from chaos.queue_level.arena import Arena
from chaos.queue_level.load import poisoned


async def prepare_poison(arena: Arena) -> None:
    """F15: signals whose data nothing could store; texts of errors that PostgreSQL refuses come by themselves."""
    for source in ("api", "file"):
        poisoned(arena.load[source], arena.chance)


async def kill_producers(arena: Arena) -> None:
    """F22: whoever brings signals dies before or after they are taken; they are sent again, some of them twice."""
    for _ in range(arena.chance.randint(1, 4)):
        await some_time(arena.chance.uniform(0, 0.05))
        arena.kill(arena.chance.choice(arena.producers))
