"""What the play of a scenario can do and wait for.

A wait ends when its fact is there or its time is over; the claims judge what was seen, so a wait never fails by itself.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from rebalancer_cli.asking import ask_until
from rebalancer_cli.demo.progress import Progress
from rebalancer_cli.demo.story import LIVE_CHANNEL, DemoAccount
from rebalancer_cli.demo.world_view import AccountView
from rebalancer_cli.errors import EventUnknown, StackFailed
from rebalancer_cli.operator.commands import FINAL_STATUSES
from rebalancer_cli.scenarios.evidence import Evidence, Sighting
from rebalancer_cli.scenarios.service_control import ServiceControl
from rebalancer_cli.scenarios.world_control import WorldControl
from rebalancer_cli.stack.management_api import ManagementApi

_WAIT_SECONDS = 40
REBALANCE: Mapping[str, Any] = {"exec": "rebalance"}

EventTest = Callable[[Mapping[str, Any]], bool]


class Stage:
    """One account in its simulated world, and the running system."""

    def __init__(
        self,
        account: DemoAccount,
        *,
        api: ManagementApi,
        world: WorldControl,
        services: ServiceControl,
        progress: Progress,
    ) -> None:
        self.account = account
        self.api = api
        self.world = world
        self.services = services
        self._progress = progress
        self._event_id = ""
        self._sightings: list[Sighting] = []

    async def signal(self, data: Mapping[str, Any] = REBALANCE) -> None:
        """Publish on the account's channel, and wait until the event is queued.

        Raises:
            StackFailed: it was not taken in.
        """
        await self.world.publish(LIVE_CHANNEL, data)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                _, self._event_id = await self._progress.queued_event()
        except TimeoutError as error:
            raise StackFailed(f"the signal was not queued within {_WAIT_SECONDS} s") from error

    async def ended(self) -> None:
        """Wait until the event has ended and its result is in the history."""
        await self._event_once(lambda event: event.get("status") in FINAL_STATUSES and event.get("result") is not None)

    async def failed(self, *, times_queued: int = 2) -> None:
        """Wait until the event has failed and waits for that attempt."""
        await self._event_once(
            lambda event: event.get("times_queued", 0) >= times_queued and bool(event.get("error_message"))
        )

    async def put_aside(self) -> None:
        """Wait until the event is delayed."""
        await self._event_once(lambda event: event.get("status") == "delayed")

    async def happened(self, kind: str, symbol: str) -> None:
        """Wait until this is in the simulated brokerage's journal."""
        await ask_until(
            lambda: self.world.journal(self.account.account_id),
            lambda journal: any((entry.kind, entry.symbol) == (kind, symbol) for entry in journal),
            timeout_seconds=_WAIT_SECONDS,
        )

    async def component(self, name: str, status: str) -> None:
        """Wait until /health says so of a part of the system."""
        await ask_until(
            self.api.health,
            lambda health: health["components"][name]["status"] == status,
            timeout_seconds=_WAIT_SECONDS,
        )

    async def look(self) -> None:
        """Keep this moment as evidence."""
        self._sightings.append(await self._sighting())

    async def evidence(self, before: AccountView) -> Evidence:
        """All that was seen, with this moment as the end."""
        return Evidence(self.account, before, tuple(self._sightings), await self._sighting())

    async def _sighting(self) -> Sighting:
        account_id = self.account.account_id
        model = self.world.weights_or_none(self.account.channel)
        event, (code, health), prices, weights = await asyncio.gather(
            self._event(), self.services.health(), self.world.prices(), model
        )
        account, open_orders, journal = await asyncio.gather(
            self.world.account(account_id), self.world.open_orders(account_id), self.world.journal(account_id)
        )
        return Sighting(
            account=account,
            open_orders=open_orders,
            journal=journal,
            event=event,
            health_code=code,
            health=health,
            prices=prices,
            weights=weights,
        )

    async def _event_once(self, wanted: EventTest) -> None:
        await ask_until(self._event, wanted, timeout_seconds=_WAIT_SECONDS)

    async def _event(self) -> Mapping[str, Any]:
        try:
            return await self.api.event(self._event_id)
        except EventUnknown:
            return {"event_id": self._event_id, "status": "between queue and history"}
