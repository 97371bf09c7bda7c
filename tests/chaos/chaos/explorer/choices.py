"""Who goes next, and what becomes of the call: all actors wait at their next call until they are chosen.

Between two calls an actor waits for nothing else, so at each step every living actor stands at a call. One of them is
let go at a time; what it does until its next call nobody else sees. So a seed tells a whole story, and tells it again.
"""

import asyncio
import random
from collections.abc import Coroutine
from contextvars import ContextVar
from enum import Enum
from typing import Any, Final

_STEP_SECONDS: Final = 20.0
"""No call takes so long; whoever does has stopped coming back to the choices."""

_actor: ContextVar[str] = ContextVar("actor")


class Fate(Enum):
    """What becomes of a call."""

    RUNS = "runs"
    LOST = "never arrives"
    REPLY_LOST = "is done, and its reply is lost"
    KILLED_BEFORE = "never arrives, and its caller dies"
    KILLED_AFTER = "is done, and its caller dies"


class Killed(BaseException):
    """Ends an actor as kill -9 does: nothing of it runs any more."""


class Choices:
    """The one who chooses."""

    def __init__(self, chance: random.Random) -> None:
        self.log: list[str] = []
        """What was chosen, for whoever looks into a failure."""
        self.deaths = 0
        self._chance = chance
        self._waiting: dict[str, tuple[str, asyncio.Future[Fate]]] = {}
        self._living: dict[str, asyncio.Task[None]] = {}
        self._asleep: set[str] = set()
        self._arrived = asyncio.Event()

    @property
    def living(self) -> frozenset[str]:
        """Actors that have not ended."""
        return frozenset(self._living)

    def add(self, name: str, life: Coroutine[Any, Any, None]) -> None:
        """Let an actor live; it comes to its first call by itself."""

        async def live() -> None:
            _actor.set(name)
            try:
                await life
            except Killed:
                self.deaths += 1

        task = asyncio.create_task(live())
        self._living[name] = task
        task.add_done_callback(lambda _: self._left(name))

    def wake(self) -> None:
        """Let those be chosen again who stand still."""
        self._asleep.clear()

    async def turn(self, call: str, *, stands_still: bool = False) -> Fate:
        """Wait to be chosen; called by an actor before each call. One that stands still is not chosen until `wake`.

        Raises:
            Killed: the actor dies before the call.
        """
        name = _actor.get()
        if stands_still:
            self._asleep.add(name)
        waiting: asyncio.Future[Fate] = asyncio.get_running_loop().create_future()
        self._waiting[name] = (call, waiting)
        self._arrived.set()
        fate = await waiting
        if fate is Fate.KILLED_BEFORE:
            raise Killed
        return fate

    async def step(self, fates: dict[Fate, float]) -> None:
        """Let one actor go, and come back when all stand at a call again.

        Raises:
            BaseException: what ended an actor that nobody killed.
        """
        await self._all_wait()
        awake = self._waiting.keys() - self._asleep
        if not awake:
            return
        name = self._chance.choice(sorted(awake))
        call, waiting = self._waiting.pop(name)
        fate = self._chance.choices(list(fates), list(fates.values()))[0]
        self.log.append(f"{name}: {call} {fate.value}")
        waiting.set_result(fate)
        await self._all_wait()

    async def end(self) -> None:
        """Kill whoever lives."""
        for task in self._living.values():
            task.cancel()
        await asyncio.gather(*self._living.values(), return_exceptions=True)

    async def _all_wait(self) -> None:
        async with asyncio.timeout(_STEP_SECONDS):
            while len(self._waiting) < len(self._living):
                self._arrived.clear()
                await self._arrived.wait()

    def _left(self, name: str) -> None:
        task = self._living.pop(name)
        self._arrived.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
