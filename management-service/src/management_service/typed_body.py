"""A request's JSON body as a value of a model, and as OpenAPI describes it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from management_service.errors import Refused
from management_service.json_body import read_json
from management_service.problem_handlers import field_error
from management_service.problems import invalid_fields

ModelT = TypeVar("ModelT", bound=BaseModel)


def body_of(model: type[ModelT]) -> Callable[[Request], Awaitable[ModelT]]:
    """A dependency that reads the body as a model, and refuses with 422 naming the fields that do not fit."""

    async def read(request: Request) -> ModelT:
        body = await read_json(request)
        try:
            return model.model_validate(body)
        except ValidationError as error:
            found = [field_error(details) for details in error.errors(include_url=False)]
            raise Refused(invalid_fields(*found)) from error

    return read


def described(model: type[BaseModel]) -> dict[str, Any]:
    """What a route that reads its body this way adds to its description."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
