"""What the control API refuses, and how it says so.

ControlError              a JSON object with `error` and, where one is to blame, `fields`
├── FieldError       422  one field of the request is wrong
├── NotFoundError    404  no such account, channel or fault
├── ForbiddenError   403  the request does not come from this machine
└── TooLateError     408  what the request waited for did not happen in time
"""

from typing import ClassVar


class ControlError(Exception):
    """A refusal; `field` is the dotted path of the field to blame, if one is."""

    status: ClassVar[int] = 500

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class FieldError(ControlError):
    """One field of the request is wrong."""

    status = 422


class NotFoundError(ControlError):
    """The thing named in the path does not exist."""

    status = 404


class ForbiddenError(ControlError):
    """Only this machine may steer the sandbox: the API has no key."""

    status = 403


class TooLateError(ControlError):
    """What the request waited for did not happen in time."""

    status = 408
