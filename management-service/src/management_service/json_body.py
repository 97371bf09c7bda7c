"""Reading a request's body: bounded in size and time, JSON only, and nothing ambiguous in it."""

import json
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from event_queue.json_numbers import read_float, read_integer
from management_service.errors import Refused
from management_service.problems import FieldError, Problem

MAX_BODY_BYTES = 64 * 1024


async def read_json(request: Request) -> object:
    """The body's JSON value.

    Raises:
        Refused: 415 another type of content, 413 over 64 KiB, 408 not sent in the time that `Turnstile` gives clients,
            400 not whole or not JSON.
    """
    _check_content_type(request)
    try:
        body = await _read(request)
    except TimeoutError as error:
        raise Refused(Problem(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive within ten seconds")) from error
    except ClientDisconnect as error:
        raise Refused(Problem(HTTPStatus.BAD_REQUEST, "the client left before its body was complete")) from error
    return _parse(body)


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != "application/json":
        detail = f"send JSON with the header `Content-Type: application/json`, not {given or 'without a type'}"
        raise Refused(Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept": "application/json"}))


async def _read(request: Request) -> bytes:
    """The body, given up at the first byte too many, whatever Content-Length said."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY_BYTES:
        raise Refused(_too_large())
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused(_too_large())
    return bytes(body)


def _too_large() -> Problem:
    """The connection stays open: were it closed on a client that still sends, the client might never see why."""
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {MAX_BODY_BYTES} bytes")


def _parse(body: bytes) -> object:
    try:
        text = body.decode("utf-8")
        return json.loads(text, object_pairs_hook=_distinct, parse_int=read_integer, parse_float=read_float)
    except UnicodeDecodeError as error:
        raise Refused(Problem(HTTPStatus.BAD_REQUEST, "the body is not UTF-8 text")) from error
    except json.JSONDecodeError as error:
        detail = f"the body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        raise Refused(Problem(HTTPStatus.BAD_REQUEST, detail)) from error
    except RecursionError as error:
        raise Refused(Problem(HTTPStatus.BAD_REQUEST, "the body is nested a thousand levels deep or more")) from error


def _distinct(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand once each: two values of `exec` would leave open which one was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))
        errors = (FieldError(repeated, "is given twice in one object"),)
        raise Refused(Problem(HTTPStatus.BAD_REQUEST, f"{repeated} is given twice in one object", errors=errors))
    return found
