"""A place that one process fills after the other: when it dies, the next one is started, as a process manager does."""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from chaos.points import Strike
from chaos.processes import Actor, Nursery
from chaos.pulse import Pulse

_MOST_STARTS = 200
"""A process that cannot even start is given up."""


class Post:
    """One role of a trial. What its processes told is kept over all of them."""

    def __init__(self, name: str, role: str, args: Mapping[str, Any], nursery: Nursery, pulse: Pulse) -> None:
        self.name = name
        self.starts = 0
        self._role = role
        self._args = dict(args)
        self._nursery = nursery
        self._pulse = pulse
        self._actors: list[Actor] = []
        self._managers: set[asyncio.Task[None]] = set()
        """Of two faults that replace its process at the same time, each leaves one."""
        self._away: asyncio.Event | None = None
        self._launching: set[asyncio.Future[None]] = set()

    @property
    def told(self) -> list[Mapping[str, Any]]:
        """Every line of all its processes."""
        return [line for actor in self._actors for line in actor.told]

    @property
    def noise(self) -> list[str]:
        """What is no line of ours: a traceback is a finding."""
        return [line for actor in self._actors for line in actor.noise]

    @property
    def is_alive(self) -> bool:
        """Whether its present process lives."""
        return bool(self._actors) and self._actors[-1].is_alive

    def set(self, **args: Any) -> None:
        """Change what the next process is given."""
        self._args |= args

    async def start(self, *strikes: Strike) -> None:
        """Start a process, struck where it is told; its successors are not."""
        await self._launch(strikes)
        self._managers.add(asyncio.create_task(self._manage()))

    async def _launch(self, strikes: Sequence[Strike] = ()) -> None:
        self.starts += 1
        args = {**self._args, **self.renewed(), "strikes": [asdict(strike) for strike in strikes]}
        self._actors.append(Actor(self.name, await self._nursery.start(self._role, args), self._pulse))

    def renewed(self) -> Mapping[str, Any]:
        """What a successor is given anew, knowing what its predecessors told."""
        return {}

    async def _manage(self) -> None:
        while await self._actors[-1].ended_at_last() != 0 and self.starts < _MOST_STARTS:
            if self._away is not None:
                await self._away.wait()
            launching = asyncio.ensure_future(self._launch())
            self._launching.add(launching)
            await asyncio.shield(launching)
            self._launching.discard(launching)

    def signal(self, number: signal.Signals) -> None:
        """Send its present process a signal."""
        if self._actors:
            self._actors[-1].signal(number)

    def keep_away(self) -> None:
        """Start no successor until `come_back`."""
        self._away = asyncio.Event()

    def come_back(self) -> None:
        """Start successors again."""
        if self._away is not None:
            self._away.set()
            self._away = None

    async def strike(self, *strikes: Strike) -> None:
        """Replace the present process by one that is struck."""
        await self._stop_managing()
        await self._actors[-1].kill()
        await self.start(*strikes)

    async def retire(self) -> None:
        """End it for good, with every process that it ever started."""
        await self._stop_managing()
        await asyncio.gather(*(actor.kill() for actor in self._actors))

    async def _stop_managing(self) -> None:
        while ending := self._managers | self._launching:
            for manager in self._managers:
                manager.cancel()
            await asyncio.wait(ending)
            self._managers -= ending
            self._launching -= ending


class ProducerPost(Post):
    """A source of signals, whose successor goes on with what was not answered."""

    def __init__(self, name: str, args: Mapping[str, Any], nursery: Nursery, pulse: Pulse) -> None:
        super().__init__(name, "chaos.actors.producer:main", args, nursery, pulse)
        self._signals: Sequence[Mapping[str, Any]] = args["signals"]
        self.repeats = 2
        """How many of the answered ones a successor sends once more."""

    @property
    def answers(self) -> Mapping[int, str]:
        """Number of a signal -> its first answer."""
        answers: dict[int, str] = {}
        for line in self.told:
            if "answered" in line:
                answers.setdefault(line["answered"], line["answer"])
        return answers

    @property
    def is_done(self) -> bool:
        """Whether every signal has been answered."""
        return len(self.answers) == len({signal["n"] for signal in self._signals})

    def renewed(self) -> Mapping[str, Any]:
        """What is unanswered; and the last that were answered once more, since their publisher cannot know."""
        answers = self.answers
        left = [signal for signal in self._signals if signal["n"] not in answers]
        answered = [signal for signal in self._signals if signal["n"] in answers]
        return {"signals": answered[-self.repeats :] + left}
