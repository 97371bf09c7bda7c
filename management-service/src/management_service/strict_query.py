"""What a route may be asked for in its address, and nothing else: a typo must not mean everything, nor do it."""

from collections import Counter

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from management_service.errors import Refused
from management_service.problems import FieldError, invalid_fields


class StrictQuery(BaseModel):
    """Parameters of a route: a name that is not among them is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _refuse_repeats(request: Request) -> None:
    given = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [FieldError(name, "is given more than once") for name, times in given.items() if times > 1]
    if repeated:
        raise Refused(invalid_fields(*repeated))


GivenOnce = Depends(_refuse_repeats)
"""In a route's `dependencies`: each parameter stands in the address once at most; which one was meant?"""
