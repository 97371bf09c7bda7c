"""Steering the gateway's sockets: down, silent, cut off, or spreading news."""

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control.bodies import GatewayBody, GatewayState, NoticeBody
from sandbox.control.http import parse, reply, route


class GatewayControls(Protocol):
    """What the control API needs of the gateway."""

    async def enter(self, state: GatewayState) -> None:
        """Bring the gateway into the state; entering it twice is no error."""
        ...

    async def send_notice(self, code: int, text: str | None) -> None:
        """Send a system notice to every client."""
        ...


class GatewayRoutes:
    """`/control/gateway`."""

    def __init__(self, gateway: GatewayControls) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/gateway", self._enter, "POST"),
            route("/gateway/notice", self._notice, "POST"),
        ]

    async def _enter(self, request: Request) -> Response:
        body = await parse(request, GatewayBody)
        await self._gateway.enter(body.state)
        return reply(body)

    async def _notice(self, request: Request) -> Response:
        body = await parse(request, NoticeBody)
        await self._gateway.send_notice(body.code, body.text)
        return reply(body)
