"""What the simulated Ably service refuses, with the codes and statuses of the real one.

AblyError
├── BadRequestError          40000  the request cannot be understood
├── MessageTooLargeError     40009  more than 64 KiB in one publish
├── InvalidMessageError      40013  message data of a kind that Ably does not carry
├── InvalidCredentialsError  40101  unknown or revoked key, bad signature
├── TokenError
│   ├── UnknownTokenError    40140
│   ├── TokenRevokedError    40141
│   └── TokenExpiredError    40142
├── NotPermittedError        40160  the key's capability does not cover the operation
├── UnavailableError         50003  the service has been told to be down
└── ResumeFailedError        80018  the connection was forgotten; a new one was opened
"""

from typing import Any, Self


class AblyError(Exception):
    """An error that is sent to the client; `code` and `status` are what the SDK decides by."""

    code: int = 50000
    status: int = 500

    @classmethod
    def with_code(cls, code: int, status: int, message: str) -> Self:
        """An error that none of the classes below stands for."""
        error = cls(message)
        error.code, error.status = code, status
        return error

    def to_wire(self) -> dict[str, Any]:
        """The `error` object of a protocol message or of a REST answer."""
        return {"code": self.code, "statusCode": self.status, "message": str(self)}


class BadRequestError(AblyError):
    """The request cannot be understood."""

    code = 40000
    status = 400


class MessageTooLargeError(AblyError):
    """One publish carries more than the maximum message size."""

    code = 40009
    status = 413


class InvalidMessageError(AblyError):
    """Message data is neither text, binary, null, an object nor a list."""

    code = 40013
    status = 400


class InvalidCredentialsError(AblyError):
    """The key is unknown or revoked, or a token request is signed wrongly."""

    code = 40101
    status = 401


class TokenError(AblyError):
    """The token does not open the door; the client may ask for another."""

    code = 40140
    status = 401


class UnknownTokenError(TokenError):
    """The token was never issued here."""


class TokenRevokedError(TokenError):
    """The key behind the token has been revoked."""

    code = 40141


class TokenExpiredError(TokenError):
    """The token's time is over."""

    code = 40142


class NotPermittedError(AblyError):
    """The capability of the key or token does not cover the operation on this channel."""

    code = 40160
    status = 401


class UnavailableError(AblyError):
    """The service has been told to be down."""

    code = 50003
    status = 503


class ResumeFailedError(AblyError):
    """The connection to be resumed is forgotten."""

    code = 80018
    status = 400
