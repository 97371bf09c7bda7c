"""The whole control API: every topic's routes, and a list of them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.ably import AblyServer
from sandbox.allocations import AllocationBook
from sandbox.control.ably_routes import AblyRoutes
from sandbox.control.account_routes import AccountRoutes
from sandbox.control.allocation_routes import AllocationRoutes
from sandbox.control.gateway_routes import GatewayRoutes
from sandbox.control.http import reply, route
from sandbox.control.market_routes import MarketRoutes
from sandbox.gateway import GatewayServer
from sandbox.world import World


class ControlApi:
    """Steers a running sandbox over HTTP, under `/control`, without a key and from this machine only."""

    def __init__(self, *, world: World, gateway: GatewayServer, ably: AblyServer, book: AllocationBook) -> None:
        self._routes = [
            *AccountRoutes(world).routes(),
            *MarketRoutes(world).routes(),
            *GatewayRoutes(gateway).routes(),
            *AblyRoutes(ably).routes(),
            *AllocationRoutes(book).routes(),
        ]

    def routes(self) -> list[Route]:
        """All routes; `GET /control` lists them."""
        return [route("", self._index), *self._routes]

    async def _index(self, _request: Request) -> Response:
        return reply({"routes": [known.name for known in self._routes]})
