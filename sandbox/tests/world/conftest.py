"""Worlds without a gateway."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.world import World

BuildWorld = Callable[..., World]


@pytest.fixture
def build() -> Iterator[Callable[..., World]]:
    """Builds worlds: a margin account DU1 with 10 000, SPY at 500, unless told otherwise."""
    worlds: list[World] = []

    def make(**spec: Any) -> World:
        content = {"accounts": [{"id": "DU1", "cash": 10_000}], "instruments": [{"symbol": "SPY", "price": 500}]}
        worlds.append(World.from_dict(content | spec))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()
