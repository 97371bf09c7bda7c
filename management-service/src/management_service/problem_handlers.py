"""Every error of the application, turned into a problem document at one edge."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from event_queue.errors import AuditUnavailable, PayloadRefused, QueueClosed, QueueError, QueueFull, QueueUnavailable
from management_service.errors import Refused
from management_service.problems import FieldError, Problem, invalid_fields, problem_response

_RETRY_SECONDS = "5"
_RETRY_LATER = {"Retry-After": _RETRY_SECONDS}

_CLOSED = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "Redis was emptied, or has started anew, and the history has to be asked first; nothing was queued",
    kind="queue-closed",
    title="The queue is compared with its history",
    headers=_RETRY_LATER,
)

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}
"""For what pydantic says in words of its own."""

_log = structlog.get_logger(__name__)


def add_problem_handlers(app: FastAPI, routes: Sequence[Route]) -> None:
    """Answer each kind of error with its problem; anything unforeseen becomes a bare 500."""
    _handle(app, Refused, lambda error: error.problem)
    _handle(app, RequestValidationError, lambda error: invalid_fields(*_field_errors(error.errors())))
    _handle(app, HTTPException, _http_problem)
    app.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, lambda request, _: _refuse_method(request, routes))
    _handle(app, PayloadRefused, lambda error: invalid_fields(FieldError(error.field, error.reason)))
    _handle(app, QueueError, _queue_problem)
    _handle(app, Exception, lambda _: Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an unexpected error; see the log"))


def _handle(app: FastAPI, kind: type[Any], translate: Callable[[Any], Problem]) -> None:
    def answer(request: Request, error: Exception) -> JSONResponse:
        return problem_response(translate(error), instance=request.url.path)

    app.add_exception_handler(kind, answer)


def _field_errors(errors: Sequence[Any]) -> list[FieldError]:
    """The framework puts the part of the request, such as `query`, before the field's own name."""
    return [field_error(error | {"loc": tuple(error["loc"])[1:]}) for error in errors]


def field_error(details: ErrorDetails) -> FieldError:
    """Pydantic's finding as a field and a reason that reads on: `limit should be less than or equal to 1000`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"]).lstrip(".")
    message = _WORDS.get(details["type"]) or details["msg"].removeprefix("Input ")
    return FieldError(path or "body", message[:1].lower() + message[1:])


def _http_problem(error: HTTPException) -> Problem:
    """What the framework refuses by itself, such as unknown routes."""
    status = HTTPStatus(error.status_code)
    detail = status.phrase
    if status is HTTPStatus.NOT_FOUND:
        detail = "there is nothing at this path; /openapi.json lists the routes"
    return Problem(status, detail, headers=dict(error.headers or {}))


def _refuse_method(request: Request, routes: Sequence[Route]) -> JSONResponse:
    """The framework names the methods of one route; a path may have several."""
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = {method for route in fitting for method in route.methods or ()}
    problem = Problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        f"this path does not take {request.method}",
        headers={"Allow": ", ".join(sorted(methods))},
    )
    return problem_response(problem, instance=request.url.path)


def _queue_problem(error: QueueError) -> Problem:
    _log.error("request_failed", error=str(error), kind=type(error).__name__)
    match error:
        case QueueClosed():
            return _CLOSED
        case QueueUnavailable():
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "Redis did not answer; a change may or may not have happened: look before you repeat one",
                kind="queue-unavailable",
                title="The queue cannot be reached",
                headers=_RETRY_LATER,
            )
        case QueueFull():
            return Problem(
                HTTPStatus.INSUFFICIENT_STORAGE,
                "Redis is at its memory limit; nothing was queued",
                kind="queue-full",
                title="The queue is full",
            )
        case AuditUnavailable():
            return Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "PostgreSQL, which keeps the history, did not answer; what is in the queue can still be asked for",
                kind="history-unavailable",
                title="The history cannot be reached",
                headers=_RETRY_LATER,
            )
        case _:
            return Problem(
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "the queue holds what it should not; an operator must look at the service's log",
                kind="queue-corrupt",
                title="The queue is damaged",
            )
