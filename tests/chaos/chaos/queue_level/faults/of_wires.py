"""Requests and replies of Redis are lost, late or cut to pieces."""

from chaos.points import Strike
from chaos.pulse import some_time
from chaos.queue_level.arena import Arena
from chaos.queue_level.faults.fault import PATIENCE_SECONDS, has_told


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
    await arena.pulse.until(lambda: has_told(arena.worker, "struck"), seconds=PATIENCE_SECONDS)


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
