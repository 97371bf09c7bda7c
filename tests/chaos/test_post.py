"""A post of a trial: when the trial is over, nobody of it lives."""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from chaos.processes import Child, Nursery, open_nursery
from chaos.pulse import Pulse
from chaos.queue_level.post import Post


def idle(_args: Mapping[str, Any]) -> int:
    """A role that does nothing until it is killed."""
    signal.pause()
    return 0


class Registry:
    """A nursery that remembers whom it started."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self.children: list[Child] = []

    async def start(self, role: str, args: Mapping[str, Any]) -> Child:
        """Start a process."""
        child = await self._nursery.start(role, args)
        self.children.append(child)
        return child


def lives(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("deed", [signal.SIGCONT, signal.SIGSTOP])
async def test_whoever_two_faults_have_put_there_at_the_same_time_ends_with_the_trial(deed: signal.Signals) -> None:
    """Each of the two has replaced the process before by one of its own; a stopped one ends too."""
    async with open_nursery([]) as nursery:
        registry: Any = Registry(nursery)
        post = Post("worker", "test_post:idle", {}, registry, Pulse())
        await post.start()
        await asyncio.gather(post.strike(), post.strike())
        post.signal(deed)

        await post.retire()

        assert len(registry.children) == 3
        assert [child.pid for child in registry.children if lives(child.pid)] == []


async def test_a_process_that_died_beside_its_successor_is_followed_by_nobody_after_the_trial() -> None:
    """It was started again while it lived, so that two look after the post: neither starts anybody any more."""
    async with open_nursery([]) as nursery:
        registry: Any = Registry(nursery)
        post = Post("worker", "test_post:idle", {}, registry, Pulse())
        await post.start()
        await post.start()

        await post.retire()
        started = post.starts
        await nursery.start("builtins:len", {})

        assert (post.starts, len(registry.children)) == (started, started)
        assert [child.pid for child in registry.children if lives(child.pid)] == []
