"""Counting the requests, by route and not by path, so that no client can make new series."""

import asyncio
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OTHER: Final = "other"
"""Stands for every path that is no route's, and every method that is not of METHODS."""
_METHODS: Final = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Traffic:
    """How many requests were served, with which status, and how long they took."""

    def __init__(self) -> None:
        """Count from zero, in a registry of its own."""
        self.registry: Final = CollectorRegistry()
        self._served = Counter(
            "rebalancer_http_requests",
            "Requests served.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._took = Histogram(
            "rebalancer_http_request_duration_seconds",
            "From the head of a request to the end of its answer, waiting in line included.",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def was_served(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; `seconds` is how long it took."""
        self._served.labels(method, route, str(status)).inc()
        self._took.labels(method, route).observe(seconds)


class TrafficMeter:
    """ASGI middleware that tells `traffic` of every request."""

    def __init__(self, app: ASGIApp, *, traffic: Traffic, routes: Sequence[Route]) -> None:
        self._app = app
        self._traffic = traffic
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, then count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        loop = asyncio.get_running_loop()
        started = loop.time()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else OTHER
            self._traffic.was_served(method, self._route(scope["path"]), status, loop.time() - started)

    def _route(self, path: str) -> str:
        """The template of the route that the path belongs to, whether it was reached or refused on the way."""
        return next((route.path for route in self._routes if route.path_regex.match(path)), OTHER)
