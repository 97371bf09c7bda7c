"""What a fault is, and what several of them need."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from chaos.points import Deed, Strike
from chaos.queue_level.arena import Arena
from chaos.queue_level.post import Post

PATIENCE_SECONDS: Final = 4.0
"""How long something is waited for that a fault needs or forbids; it ends early in a sound system."""
_SIDES: Final = ("before", "after")

Act = Callable[[Arena], Awaitable[None]]


async def nothing(_arena: Arena) -> None:
    """Needs no preparation."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens to the queue."""

    number: str
    act: Act
    prepare: Act = nothing


def has_told(post: Post, word: str) -> bool:
    """Whether one of the post's processes said a line with that word."""
    return any(word in line for line in post.told)


def strike(arena: Arena, places: Sequence[str], deed: Deed) -> Strike:
    """At one of the places, drawn by chance."""
    point = f"{arena.chance.choice(places)}:{arena.chance.choice(_SIDES)}"
    return Strike(point, arena.chance.randint(1, 5), deed)
