"""The HTTP API as an operator's program uses it, and waiting for what it will say."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
import stamina

from running_system.settings import API_KEY

Event = Mapping[str, Any]
"""An event as GET /queue/events/{id} shows it."""

ENDED = frozenset({"completed", "skipped", "deleted"})
_REQUEST_SECONDS = 20.0
_WAIT_SECONDS = 40.0

SeenT = TypeVar("SeenT")


class _NotYet(AssertionError):
    """What was seen last is not what is wanted."""


async def eventually(
    look: Callable[[], Awaitable[SeenT]], wanted: Callable[[SeenT], bool], *, seconds: float = _WAIT_SECONDS
) -> SeenT:
    """What `look` sees once it is as wanted; a service that does not answer is looked at again.

    Raises:
        AssertionError: it is not in time; with what was seen last.
    """
    async for attempt in stamina.retry_context(
        on=(_NotYet, httpx.TransportError),
        attempts=None,
        timeout=seconds,
        wait_initial=0.03,
        wait_max=0.25,
        wait_jitter=0,
    ):
        with attempt:
            seen = await look()
            if not wanted(seen):
                raise _NotYet(f"not as wanted: {seen}")
            return seen
    raise AssertionError("stamina gave up without an error")


class Management:
    """A client of the management service."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=_REQUEST_SECONDS, limits=httpx.Limits(max_connections=60)
        )
        """Sends no key by itself."""
        self.key: Mapping[str, str] = {"Authorization": f"Bearer {API_KEY}"}

    async def health(self) -> dict[str, Any]:
        """The body of GET /health, whatever its status."""
        return (await self.http.get("/health")).json()

    async def status(self) -> dict[str, Any]:
        """The counters of the queue."""
        return (await self.http.get("/queue/status")).raise_for_status().json()

    async def waiting(self) -> list[dict[str, Any]]:
        """The events that have not ended."""
        return (await self.http.get("/queue/events")).raise_for_status().json()

    async def post(self, account_id: str, command: str, **more: Any) -> httpx.Response:
        """Ask for an event."""
        body = {"account_id": account_id, "exec_command": command, **more}
        return await self.http.post("/queue/events", json=body, headers=dict(self.key))

    async def delete(self, event_id: str) -> httpx.Response:
        """Ask for an event's removal."""
        return await self.http.delete(f"/queue/events/{event_id}", headers=dict(self.key))

    async def event(self, event_id: str) -> dict[str, Any]:
        """One event; empty while the API knows none of that id."""
        response = await self.http.get(f"/queue/events/{event_id}")
        return response.json() if response.is_success else {}

    async def event_once(self, event_id: str, wanted: Callable[[Event], bool]) -> Event:
        """One event once it is as wanted."""
        return await eventually(lambda: self.event(event_id), lambda event: bool(event) and wanted(event))

    async def ended(self, event_id: str) -> Event:
        """One event once its end is in the history."""
        return await self.event_once(event_id, lambda event: event["status"] in ENDED)

    async def failed(self, event_id: str, *, times_queued: int = 2) -> Event:
        """One event once it waits for another attempt and says why."""
        return await self.event_once(
            event_id, lambda event: event["times_queued"] >= times_queued and bool(event["error_message"])
        )

    async def component(self, name: str, status: str, *, seconds: float = _WAIT_SECONDS) -> Mapping[str, Any]:
        """One part of the system once /health says that it is so."""
        health = await eventually(
            self.health, lambda body: body["components"][name]["status"] == status, seconds=seconds
        )
        return health["components"][name]
