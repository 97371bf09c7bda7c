"""The application's own description, with problem documents as what every error looks like."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from management_service.problems import ProblemDocument

_REF = "#/components/schemas/{model}"


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, problem = models_json_schema([(ProblemDocument, "serialization")], ref_template=_REF)
        document.setdefault("components", {}).setdefault("schemas", {}).update(problem["$defs"])
        app.openapi_schema = document
    return app.openapi_schema
