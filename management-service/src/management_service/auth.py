"""The one key that lets operators change the queue, and what guessing it gets."""

import asyncio
import hmac
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from management_service.dependencies import Dependencies, Injected
from management_service.errors import Refused
from management_service.problems import Problem

_BEARER = HTTPBearer(auto_error=False, description="MANAGEMENT_API_KEY, sent as `Authorization: Bearer <key>`.")

_NOT_CONFIGURED = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "changes to the queue are switched off: set MANAGEMENT_API_KEY and start the service again",
    kind="writes-not-configured",
    title="No API key is configured",
)
_NOT_AUTHORIZED = Problem(
    HTTPStatus.UNAUTHORIZED,
    "send the key of MANAGEMENT_API_KEY in the header `Authorization: Bearer <key>`",
    kind="wrong-key",
    title="The API key is missing or wrong",
    headers={"WWW-Authenticate": "Bearer"},
)

_log = structlog.get_logger(__name__)


async def _require_key(
    request: Request,
    dependencies: Injected,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> None:
    if dependencies.api_key is None:
        raise Refused(_NOT_CONFIGURED)
    if credentials is None:
        raise Refused(_NOT_AUTHORIZED)
    _check(credentials.credentials, dependencies.api_key.get_secret_value(), _peer(request), dependencies)


def _check(given: str, key: str, address: str, dependencies: Dependencies) -> None:
    """Let the key pass; an address that has guessed too often is not told whether this one is right."""
    now = asyncio.get_running_loop().time()
    wait = dependencies.key_guessing.seconds_to_wait(address, now)
    if wait:
        raise Refused(_too_many_guesses(wait))
    if _same(given, key):
        return
    if dependencies.key_guessing.was_wrong(address, now):
        _log.warning("api_key_guessing_slowed", client=address)
    raise Refused(_NOT_AUTHORIZED)


def _peer(request: Request) -> str:
    """The other end of the connection. What a header says of other addresses is not believed: anybody can send one."""
    return request.client.host if request.client else ""


def _same(given: str, key: str) -> bool:
    """Compare in constant time, whatever the lengths; headers arrive as latin-1, keys may be any text in UTF-8."""
    given_digest = sha256(given.encode("latin-1")).digest()
    return hmac.compare_digest(given_digest, sha256(key.encode("utf-8", "surrogateescape")).digest())


def _too_many_guesses(wait_seconds: int) -> Problem:
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"too many wrong keys came from this address; no key from it is looked at for {wait_seconds} s",
        kind="too-many-wrong-keys",
        title="Too many wrong API keys",
        headers={"Retry-After": str(wait_seconds)},
    )


RequireKey = Depends(_require_key)
"""In a route's `dependencies`: the request must carry the key."""
