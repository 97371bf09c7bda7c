"""Errors as RFC 9457 problem documents: what a client reads, never what happened inside."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi.responses import JSONResponse
from pydantic import BaseModel

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:problem:rebalancer:"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request, as a path such as `data.exec`."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; `type` is `about:blank` when the status says it all, else names the kind for programs."""

    status: HTTPStatus
    detail: str
    kind: str = ""
    title: str = ""
    errors: tuple[FieldError, ...] = ()
    active_event_id: UUID | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class FieldErrorDocument(BaseModel):
    """A wrong field."""

    field: str
    reason: str


class ProblemDocument(BaseModel):
    """The body of every answer that is an error."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[FieldErrorDocument] | None = None
    active_event_id: UUID | None = None


class ProblemResponse(JSONResponse):
    """A problem document in plain ASCII, so that whatever a client sent can be quoted back to it."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """JSON with everything else escaped, even what UTF-8 cannot hold."""
        return json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def problem_response(problem: Problem, *, instance: str) -> ProblemResponse:
    """The answer to a request for `instance`, the path that was asked for."""
    content: dict[str, Any] = {
        "type": _TYPE_PREFIX + problem.kind if problem.kind else "about:blank",
        "title": problem.title or problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "instance": instance,
    }
    if problem.errors:
        content["errors"] = [{"field": error.field, "reason": error.reason} for error in problem.errors]
    if problem.active_event_id is not None:
        content["active_event_id"] = str(problem.active_event_id)
    return ProblemResponse(content, problem.status.value, headers=dict(problem.headers))


def invalid_fields(*errors: FieldError) -> Problem:
    """422: the request is well-formed, but these fields are wrong."""
    named = "; ".join(f"{error.field} {error.reason}" for error in errors)
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY, named, kind="invalid-fields", title="The request is not valid", errors=errors
    )
