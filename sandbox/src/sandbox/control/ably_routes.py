"""Publishing on Ably channels, waiting for subscribers, and making the service misbehave."""

import asyncio
from collections.abc import Callable
from typing import assert_never

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.ably import AblyServer
from sandbox.control.bodies import AblyBody, AblyDisconnect, AblyKeyAction, AblySwitch, PublishBody
from sandbox.control.errors import FieldError, TooLateError
from sandbox.control.http import number_param, parse, reply, route

MAX_CLIENTS = 1000
MAX_WAIT_SECONDS = 60.0
DEFAULT_WAIT_SECONDS = 30.0

_ABLY_BODY: TypeAdapter[AblySwitch | AblyKeyAction | AblyDisconnect] = TypeAdapter(AblyBody)


class AblyRoutes:
    """`/control/publish`, `/control/attached` and `/control/ably`."""

    def __init__(self, ably: AblyServer) -> None:
        self._ably = ably

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/publish", self._publish, "POST"),
            route("/attached", self._channels),
            route("/attached/{channel:path}", self._attached),
            route("/ably", self._steer, "POST"),
        ]

    async def _publish(self, request: Request) -> Response:
        body = await parse(request, PublishBody)
        message_id = self._ably.publish(body.channel, body.data, name=body.name, id=body.id, encoding=body.encoding)
        return reply({"id": message_id, "attached": self._ably.attached(body.channel)}, 201)

    async def _channels(self, _request: Request) -> Response:
        return reply({"channels": self._ably.channels()})

    async def _attached(self, request: Request) -> Response:
        channel = request.path_params["channel"]
        count = int(number_param(request, "count", 1, (0, MAX_CLIENTS)))
        wait = number_param(request, "timeout", DEFAULT_WAIT_SECONDS, (0, MAX_WAIT_SECONDS))
        try:
            async with asyncio.timeout(wait):
                await self._ably.wait_attached(channel, count)
        except TimeoutError as error:
            present = self._ably.attached(channel)
            raise TooLateError(f"{present} clients on {channel} after {wait:g} s, not {count}", "count") from error
        return reply({"channel": channel, "attached": self._ably.attached(channel)})

    async def _steer(self, request: Request) -> Response:
        body = await parse(request, _ABLY_BODY)
        match body:
            case AblySwitch():
                await self._switch(body)
            case AblyKeyAction():
                self._change_key(body)
            case AblyDisconnect():
                self._ably.send_disconnected(body.error and body.error.to_error())
            case _:
                assert_never(body)
        return reply({"action": body.action})

    async def _switch(self, body: AblySwitch) -> None:
        match body.action:
            case "refuse":
                await self._ably.refuse()
            case "accept":
                await self._ably.accept()
            case _:
                self._immediate()[body.action]()

    def _immediate(self) -> dict[str, Callable[[], object]]:
        ably = self._ably
        return {
            "drop": ably.drop_connections,
            "lose_continuity": lambda: ably.drop_connections(lose_continuity=True),
            "unavailable": ably.set_unavailable,
            "available": lambda: ably.set_unavailable(unavailable=False),
            "black_hole": ably.black_hole,
            "heal": ably.heal,
        }

    def _change_key(self, body: AblyKeyAction) -> None:
        change = self._ably.revoke_key if body.action == "revoke_key" else self._ably.restore_key
        try:
            change(body.key)
        except KeyError as error:
            raise FieldError("the service has no such key", "key") from error
