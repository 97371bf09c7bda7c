"""Prices, halts, hours, latencies, and the faults that orders will meet."""

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control.bodies import HoursBody, MarketBody, Price, ReadOnlyBody
from sandbox.control.errors import FieldError, NotFoundError
from sandbox.control.http import parse, reply, route
from sandbox.world import LatencySpec, UnknownInstrumentError, World

FLAGS = ("halted", "no_quote", "delayed_only", "close_only")


class MarketRoutes:
    """`/control/prices`, `/control/market`, `/control/hours`, `/control/latency` and `/control/faults`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/prices", self._prices),
            route("/prices", self._set_prices, "POST"),
            route("/market", self._set_market, "POST"),
            route("/hours", self._set_hours, "PUT"),
            route("/latency", self._set_latency, "PUT"),
            route("/read-only", self._set_read_only, "PUT"),
            route("/faults", self._faults),
            route("/faults", self._add_fault, "POST"),
            route("/faults", self._clear_faults, "DELETE"),
            route("/faults/{number:int}", self._clear_fault, "DELETE"),
        ]

    async def _prices(self, _request: Request) -> Response:
        return reply({spec.symbol: self._world.price_of(spec.symbol, spec.con_id) for spec in self._world.instruments})

    async def _set_prices(self, request: Request) -> Response:
        prices = await parse(request, dict[str, Price])
        for symbol in prices:
            self._require_symbol(symbol, symbol)
        for symbol, price in prices.items():
            self._world.set_price(symbol, Decimal(price))
        return reply(prices)

    async def _set_market(self, request: Request) -> Response:
        body = await parse(request, MarketBody)
        flags = {name: value for name in FLAGS if (value := getattr(body, name)) is not None}
        self._world.set_market(body.symbol, con_id=body.con_id, price=body.price, spread=body.spread, **flags)
        return reply(body)

    async def _set_hours(self, request: Request) -> Response:
        body = await parse(request, HoursBody)
        self._world.set_hours(body.hours, body.symbol)
        return reply(body)

    async def _set_latency(self, request: Request) -> Response:
        latency = await parse(request, LatencySpec)
        self._world.set_latency(latency)
        return reply(latency)

    async def _set_read_only(self, request: Request) -> Response:
        body = await parse(request, ReadOnlyBody)
        self._world.set_read_only(body.read_only)
        return reply(body)

    async def _faults(self, _request: Request) -> Response:
        return reply({"faults": self._world.faults})

    async def _add_fault(self, request: Request) -> Response:
        fault = await parse(request, dict[str, Any])
        return reply({"number": self._world.add_fault(fault)}, 201)

    async def _clear_faults(self, _request: Request) -> Response:
        cleared = list(self._world.faults)
        self._world.clear_faults()
        return reply({"cleared": cleared})

    async def _clear_fault(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number not in self._world.faults:
            raise NotFoundError(f"no fault {number} is in force", "number")
        self._world.clear_faults(number)
        return reply({"cleared": [number]})

    def _require_symbol(self, symbol: str, field: str) -> None:
        try:
            self._world.price_of(symbol)
        except UnknownInstrumentError as error:
            raise FieldError(str(error), field) from error
