"""pydantic's findings as problems for the operator: short words, and no secret's value."""

from collections.abc import Hashable

from pydantic import BaseModel, SecretStr
from pydantic_core import ErrorDetails

_QUOTES_HINT = "should be text; put it in quotes"
_LONGEST_SHOWN = 60


def reason_of(details: ErrorDetails, *, secret: bool) -> str:
    """What is wrong with one value, with the value itself unless it is secret or not a plain one."""
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if details["type"] == "string_type":
        message = _QUOTES_HINT
    if details["type"] == "missing":
        message = "is required"
    given: object = details["input"]
    if secret or not isinstance(given, str | int | float | bool):
        return message
    shown = repr(given)
    return f"{message}, not {shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + '...'}"


def is_secret(model: type[BaseModel], key: Hashable) -> bool:
    """Whether a field of a model holds a SecretStr; keys that the model does not know count as secret."""
    field = model.model_fields.get(str(key))
    return field is None or "SecretStr" in str(field.annotation) or field.annotation is SecretStr
