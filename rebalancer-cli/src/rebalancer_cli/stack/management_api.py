"""The management service over HTTP: all that the command line knows of a running system."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import httpx
import stamina

from rebalancer_cli.errors import EventUnknown, ServiceRefused, ServiceSilent, ServiceUnreachable

_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 60
"""A crowd is served late: the service lets a request wait in its line for 20 seconds, twice if it has a body."""
_MENDING_SECONDS = 600
_READY_SECONDS = 10
_HIGHEST_PORT = 65_535


class ManagementApi:
    """An async client; every method raises ServiceUnreachable or ServiceRefused with words for the operator."""

    def __init__(
        self, base_url: str, api_key: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Address the service at `base_url`, directly and not through a proxy of the environment."""
        key = (api_key or "").encode("utf-8", "surrogateescape")
        headers = {b"Authorization": b"Bearer " + key} if key else {}
        self.base_url = base_url
        try:
            self._client = httpx.AsyncClient(base_url=base_url, headers=headers, transport=transport, trust_env=False)
        except httpx.InvalidURL as error:
            raise ServiceUnreachable(f"{base_url!r} is not an address: {error}") from error
        if (self._client.base_url.port or 0) > _HIGHEST_PORT:
            raise ServiceUnreachable(f"{base_url!r} is not an address: there is no such port")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def health(self) -> dict[str, Any]:
        """The verdict and the components; an unhealthy system (503) is an answer, not an error."""
        response = await self._send("GET", "/health", accept=(HTTPStatus.SERVICE_UNAVAILABLE,))
        verdict = self._read(response)
        if "healthy" not in verdict:  # a service that is too busy to look answers 503 as well
            raise _refusal(response)
        return verdict

    async def queue_status(self) -> dict[str, Any]:
        """The queue's counters."""
        return await self._ask("GET", "/queue/status")

    async def events(self, limit: int, *, offset: int = 0) -> list[dict[str, Any]]:
        """Living events in the order in which they will run, behind the first `offset`."""
        params = {"limit": limit, **({"offset": offset} if offset else {})}
        return await self._ask("GET", "/queue/events", params=params)

    async def history(self, params: Mapping[str, str]) -> dict[str, Any]:
        """A page of all events there ever were, youngest first: `events` and `next_cursor`."""
        return await self._ask("GET", "/events", params=params)

    async def event(self, event_id: str) -> dict[str, Any]:
        """One event, living or ended, with its history and result."""
        return await self._ask("GET", _path_of(event_id))

    async def add(self, account_id: str, command: str) -> dict[str, Any]:
        """Queue an event."""
        body = {"account_id": account_id, "exec_command": command, "data": {"exec": command}}
        return await self._ask("POST", "/queue/events", json=body)

    async def delete(self, event_id: str) -> dict[str, Any]:
        """Remove a waiting event."""
        return await self._ask("DELETE", _path_of(event_id))

    async def pause(self, scope: str, reason: str) -> dict[str, Any]:
        """Let no order go out for an account, or for `all`, until resumed."""
        return await self._ask("PUT", f"/trading/pauses/{quote(scope, safe='')}", json={"reason": reason})

    async def resume(self, scope: str) -> dict[str, Any]:
        """Lift the pause of an account, or of `all`."""
        return await self._ask("DELETE", f"/trading/pauses/{quote(scope, safe='')}")

    async def mend(self, what: str, *, dry_run: bool, force: bool) -> dict[str, Any]:
        """Put the queue right (`rebuild` or `resync`), or show what that would do."""
        params = {"dry_run": dry_run, **({"force": True} if force else {})}
        return await self._ask("POST", f"/queue/{what}", params=params, seconds=_MENDING_SECONDS)

    async def wait_until_ready(self, *, timeout_seconds: float) -> None:
        """Wait until the service answers and reaches its queue."""
        async for attempt in stamina.retry_context(
            on=(ServiceUnreachable, ServiceRefused),
            attempts=None,
            timeout=timeout_seconds,
            wait_initial=0.05,
            wait_max=0.2,
            wait_jitter=0,
        ):
            with attempt:
                await self._send("GET", "/health/ready", seconds=_READY_SECONDS)

    async def _ask(self, method: str, path: str, **details: Any) -> Any:
        return self._read(await self._send(method, path, **details))

    def _read(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise ServiceRefused(f"what answers at {self.base_url} is not a management service") from error

    async def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        accept: tuple[int, ...] = (),
        seconds: float = _ANSWER_SECONDS,
    ) -> httpx.Response:
        timeout = httpx.Timeout(_CONNECT_SECONDS, read=seconds)
        try:
            response = await self._client.request(method, path, params=params, json=json, timeout=timeout)
        except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError) as error:
            raise ServiceSilent(
                f"{self.base_url} took the request and did not answer ({type(error).__name__}); "
                "a change may or may not have happened: look before you repeat it"
            ) from error
        except httpx.TransportError as error:
            raise ServiceUnreachable(
                f"no management service answers at {self.base_url} ({type(error).__name__}); "
                "start one with `rebalancer up`, or name another with --url"
            ) from error
        if response.is_error and response.status_code not in accept:
            raise _refusal(response)
        return response


def _path_of(event_id: str) -> str:
    return f"/queue/events/{quote(event_id, safe='')}"


def _refusal(response: httpx.Response) -> ServiceRefused:
    words = _words_of(response)
    of_an_event = response.request.url.path.startswith("/queue/events/")
    return (
        EventUnknown(words) if of_an_event and response.status_code == HTTPStatus.NOT_FOUND else ServiceRefused(words)
    )


def _words_of(response: httpx.Response) -> str:
    try:
        problem: dict[str, Any] = dict(response.json())
    except (ValueError, TypeError):
        return f"HTTP {response.status_code} from {response.request.url.path}"
    return str(problem.get("detail") or problem.get("title") or problem)
