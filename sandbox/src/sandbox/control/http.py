"""Reading requests and writing answers: JSON in, JSON out, every refusal naming its field."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.ably import AblyError
from sandbox.control.errors import ControlError, FieldError, ForbiddenError
from sandbox.world import SpecError, UnknownAccountError, UnknownInstrumentError

Handler = Callable[[Request], Awaitable[Response]]
T = TypeVar("T")


def reply(value: Any, status: int = 200) -> Response:
    """Any plain value, dataclass or model as JSON; decimals become text, as JSON numbers would lose digits."""
    return Response(to_json(value), status, media_type="application/json")


async def parse(request: Request, expected: type[T] | TypeAdapter[T]) -> T:
    """The body as a value of that type; raises FieldError or pydantic's ValidationError."""
    adapter = expected if isinstance(expected, TypeAdapter) else TypeAdapter[T](expected)
    return adapter.validate_json(await request.body())


def route(path: str, handler: Handler, method: str = "GET") -> Route:
    """One route under `/control`, for this machine only, with its refusals turned into JSON."""

    async def guarded(request: Request) -> Response:
        try:
            _require_loopback(request)
            return await handler(request)
        except (
            ControlError,
            ValidationError,
            UnknownAccountError,
            UnknownInstrumentError,
            SpecError,
            AblyError,
        ) as error:
            return _refusal(error)

    return Route(f"/control{path}", guarded, methods=[method], name=f"{method} /control{path}")


def number_param(request: Request, name: str, default: float, limits: tuple[float, float]) -> float:
    """A number of the query string within its limits; raises FieldError."""
    text = request.query_params.get(name)
    try:
        value = default if text is None else float(text)
    except ValueError as error:
        raise FieldError(f"{name} has to be a number", name) from error
    lowest, highest = limits
    if not lowest <= value <= highest:
        raise FieldError(f"{name} is between {lowest:g} and {highest:g}", name)
    return value


def _require_loopback(request: Request) -> None:
    host = request.client.host if request.client else ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ForbiddenError("the sandbox is steered from its own machine only")


def _refusal(error: Exception) -> Response:
    match error:
        case ValidationError():
            fields = [{"field": _path(item["loc"]), "reason": item["msg"]} for item in error.errors()]
            return reply({"error": "the request is not valid", "fields": fields}, 422)
        case UnknownAccountError():
            return _answer(404, str(error), "account")
        case UnknownInstrumentError():
            return _answer(422, str(error), "symbol")
        case ControlError():
            return _answer(error.status, str(error), error.field)
        case AblyError():
            return _answer(422, str(error), "data")
        case _:
            return _answer(422, str(error), None)


def _answer(status: int, message: str, field: str | None) -> Response:
    fields = [] if field is None else [{"field": field, "reason": message}]
    return reply({"error": message, "fields": fields}, status)


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location)
