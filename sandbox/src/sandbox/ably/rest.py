"""The REST routes that clients use: publish, history, token requests and the time."""

from typing import Any, cast
from urllib.parse import unquote_plus, urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.ably.channel_log import ChannelLog, HistoryQuery
from sandbox.ably.codec import Wire, WireFormat
from sandbox.ably.errors import AblyError, BadRequestError
from sandbox.ably.hub import Hub
from sandbox.ably.messages import Draft

MAX_PAGE = 1000
DEFAULT_PAGE = 100


class RestApi:
    """The routes, over the state of one service."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        """The routes to mount at the root; channel names may contain anything, slashes too."""
        return [
            Route("/time", self._time, methods=["GET"]),
            Route("/keys/{key_name}/requestToken", self._request_token, methods=["POST"]),
            Route("/channels/{name:path}/messages", self._publish, methods=["POST"]),
            Route("/channels/{name:path}/messages", self._history, methods=["GET"]),
        ]

    async def _time(self, request: Request) -> Response:
        return _reply(request, [int(self._hub.clock() * 1000)])

    async def _request_token(self, request: Request) -> Response:
        token_request = _body_format(request).unpack_object(await request.body())
        return _reply(request, self._hub.keys.issue_token(request.path_params["key_name"], token_request), 201)

    async def _publish(self, request: Request) -> Response:
        channel = _channel(request)
        self._hub.keys.by_header(request.headers.get("authorization")).require("publish", channel)
        body = _body_format(request).unpack(await request.body())
        drafts = [Draft.from_wire(message) for message in _message_objects(body)]
        published = self._hub.publish(channel, drafts)
        log = self._hub.log(channel)
        answer = {
            "channel": channel,
            "messageId": published[0].id.rpartition(":")[0] or published[0].id,
            "serials": [log.serial(message.number) for message in published],
        }
        return _reply(request, answer, 201)

    async def _history(self, request: Request) -> Response:
        channel = _channel(request)
        self._hub.keys.by_header(request.headers.get("authorization")).require("history", channel)
        log = self._hub.log(channel)
        query = _history_query(request.query_params, log)
        page, more = log.page(query)
        items = [message.to_wire(_accepted_format(request)) for message in page]
        cursor = page[-1].number if more else None
        return _reply(request, items, headers={"Link": _links(request.query_params, cursor)})


async def answer_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for AblyError: the error object, and its status."""
    if not isinstance(error, AblyError):
        raise error
    headers = {"X-Ably-Errorcode": str(error.code), "X-Ably-Errormessage": str(error)}
    return _reply(request, {"error": error.to_wire()}, error.status, headers)


def _channel(request: Request) -> str:
    """The channel's name as encoded in the path: the decoded path cannot tell a slash of the name from its own."""
    raw: bytes = request.scope["raw_path"]
    return unquote_plus(raw.decode("ascii").removeprefix("/channels/").removesuffix("/messages"))


def _message_objects(body: Any) -> list[Wire]:
    messages = cast("list[Any]", body if isinstance(body, list) else [body])
    if not messages or not all(isinstance(message, dict) for message in messages):
        raise BadRequestError("a publish is a message object or a list of them")
    return messages


def _history_query(params: QueryParams, log: ChannelLog) -> HistoryQuery:
    direction = params.get("direction", "backwards")
    if direction not in ("backwards", "forwards"):
        raise BadRequestError("direction is either backwards or forwards")
    limit = _integer(params, "limit")
    if limit is None:
        limit = DEFAULT_PAGE
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequestError(f"limit is between 1 and {MAX_PAGE}")
    from_serial = params.get("from_serial")
    return HistoryQuery(
        direction=direction,
        limit=limit,
        start_ms=_integer(params, "start"),
        end_ms=_integer(params, "end"),
        cursor=_integer(params, "cursor"),
        until=None if from_serial is None else log.number_of(from_serial),
    )


def _integer(params: QueryParams, name: str) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise BadRequestError(f"{name} has to be a whole number") from error


def _links(params: QueryParams, cursor: int | None) -> str:
    kept = {name: value for name, value in params.items() if name != "cursor"}
    links = [f'<./messages?{urlencode(kept)}>; rel="first"', f'<./messages?{urlencode(dict(params))}>; rel="current"']
    if cursor is not None:
        links.append(f'<./messages?{urlencode(kept | {"cursor": str(cursor)})}>; rel="next"')
    return ", ".join(links)


def _body_format(request: Request) -> WireFormat:
    return WireFormat.of_media_type(request.headers.get("content-type"))


def _accepted_format(request: Request) -> WireFormat:
    return WireFormat.of_media_type(request.headers.get("accept"))


def _reply(request: Request, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    wire_format = _accepted_format(request)
    return Response(wire_format.pack(value), status, headers, media_type=wire_format.value)
