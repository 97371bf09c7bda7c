"""What OpenAPI says of the answers that are problems."""

from http import HTTPStatus
from typing import Any

from management_service.problems import MEDIA_TYPE

_SCHEMA = {"$ref": "#/components/schemas/ProblemDocument"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """A problem document with an example for each status."""
    return {status: _describe(HTTPStatus(status)) for status in statuses}


def _describe(status: HTTPStatus) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": status.description or status.phrase,
        "instance": "/queue/events",
    }
    return {"description": status.phrase, "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": example}}}
