"""Who starts the services of a trial, each struck where it is told."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaos.points import Strike
from chaos.processes import Nursery
from running_system import Service


class Launcher:
    """Starts services as forks of the nursery, struck where they are told."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._strikes: Sequence[Strike] = ()
        self._starting = asyncio.Lock()
        self._turns: defaultdict[Service, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._armed: set[Service] = set()
        self.pids: dict[str, int] = {}
        """Module -> its latest process."""

    def turn_of(self, service: Service) -> asyncio.Lock:
        """Held by whoever ends a service and starts it again: two faults at once would each start one."""
        return self._turns[service]

    def is_armed(self, service: Service) -> bool:
        """Whether its present process was to be struck."""
        return service in self._armed

    async def start(self, service: Service, *strikes: Strike) -> None:
        """Start a service that is not running."""
        (self._armed.add if strikes else self._armed.discard)(service)
        async with self._starting:
            self._strikes = strikes
            try:
                await service.start()
            finally:
                self._strikes = ()

    async def __call__(self, module: str, environment: Mapping[str, str], directory: Path) -> Any:
        """Fork the process."""
        args = {"module": module, "strikes": [asdict(strike) for strike in self._strikes]}
        child = await self._nursery.start("chaos.services:main", args, environ=environment, directory=directory)
        self.pids[module] = child.pid
        return child
