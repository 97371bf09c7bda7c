"""Steering the gateway's sockets: down, silent, cut off, or spreading news."""

from typing import assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control.bodies import GatewayBody, GatewayState, NoticeBody
from sandbox.control.http import parse, reply, route
from sandbox.gateway import GatewayServer


class GatewayRoutes:
    """`/control/gateway`."""

    def __init__(self, gateway: GatewayServer) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/gateway", self._show),
            route("/gateway", self._enter, "POST"),
            route("/gateway/notice", self._notice, "POST"),
        ]

    async def _show(self, _request: Request) -> Response:
        return reply({"port": self._gateway.port, "client_ids": self._gateway.client_ids})

    async def _enter(self, request: Request) -> Response:
        body = await parse(request, GatewayBody)
        await self._bring_into(body.state)
        return reply(body)

    async def _bring_into(self, state: GatewayState) -> None:
        match state:
            case "down":
                await self._gateway.go_down()
            case "up":
                await self._gateway.come_up()
            case "frozen":
                self._gateway.freeze()
            case "thawed":
                self._gateway.thaw()
            case "drop":
                await self._gateway.drop_connections()
            case "next_day":
                await self._gateway.begin_day()
            case _:
                assert_never(state)

    async def _notice(self, request: Request) -> Response:
        body = await parse(request, NoticeBody)
        self._gateway.broadcast(body.code)
        return reply(body)
