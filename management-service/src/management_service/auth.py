"""The one key that lets operators change the queue."""

import hmac
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from management_service.dependencies import Injected
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


def _require_key(
    dependencies: Injected, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> None:
    if dependencies.api_key is None:
        raise Refused(_NOT_CONFIGURED)
    if credentials is None or not _same(credentials.credentials, dependencies.api_key.get_secret_value()):
        raise Refused(_NOT_AUTHORIZED)


def _same(given: str, key: str) -> bool:
    """Compare in constant time, whatever the lengths; headers arrive as latin-1, keys may be any text in UTF-8."""
    given_digest = sha256(given.encode("latin-1")).digest()
    return hmac.compare_digest(given_digest, sha256(key.encode("utf-8", "surrogateescape")).digest())


RequireKey = Depends(_require_key)
"""In a route's `dependencies`: the request must carry the key."""
