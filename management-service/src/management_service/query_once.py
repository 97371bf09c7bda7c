"""Refusing a parameter that an address gives twice: which one was meant?"""

from collections import Counter

from fastapi import Depends, Request

from management_service.errors import Refused
from management_service.problems import FieldError, invalid_fields


def _refuse_repeats(request: Request) -> None:
    given = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [FieldError(name, "is given more than once") for name, times in given.items() if times > 1]
    if repeated:
        raise Refused(invalid_fields(*repeated))


GivenOnce = Depends(_refuse_repeats)
"""In a route's `dependencies`: each parameter stands in the address once at most."""
