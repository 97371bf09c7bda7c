"""Keys and tokens: who may come in, and what they may do there."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.ably.capability import Capability, Operation
from sandbox.ably.codec import Wire
from sandbox.ably.errors import (
    InvalidCredentialsError,
    NotPermittedError,
    TokenExpiredError,
    TokenRevokedError,
    UnknownTokenError,
)
from sandbox.ably.spec import KeySpec

DEFAULT_TOKEN_TTL_MS = 3_600_000
MAX_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Grant:
    """What one client has been given: every capability listed has to allow an operation."""

    key_name: str
    capabilities: tuple[Capability, ...]
    client_id: str | None = None
    expires_ms: int | None = None

    def require(self, operation: Operation, channel: str) -> None:
        """Raise NotPermittedError unless the operation is allowed on the channel."""
        if not all(capability.permits(operation, channel) for capability in self.capabilities):
            raise NotPermittedError(f"operation {operation} is not permitted on channel {channel}")


class KeyRing:
    """The service's keys, the tokens issued with them, and which keys are revoked just now."""

    def __init__(self, keys: tuple[KeySpec, ...], clock: Callable[[], float]) -> None:
        self._keys = {key.name: key for key in keys}
        self._clock = clock
        self._revoked: set[str] = set()
        self._tokens: dict[str, Grant] = {}

    def revoke(self, key: str) -> str:
        """Turn a key (or key name) away from now on; returns its name. Raises KeyError when there is none."""
        name = self._keys[key.partition(":")[0]].name
        self._revoked.add(name)
        return name

    def restore(self, key: str) -> None:
        """Let a revoked key (or key name) in again. Raises KeyError when there is none."""
        self._revoked.discard(self._keys[key.partition(":")[0]].name)

    def by_key(self, key: str) -> Grant:
        """The grant of `appId.keyId:secret`; raises InvalidCredentialsError."""
        name, _, secret = key.partition(":")
        known = self._keys.get(name)
        if known is None or name in self._revoked or not hmac.compare_digest(known.secret.encode(), secret.encode()):
            raise InvalidCredentialsError("invalid credentials: the key is unknown, wrong or revoked")
        return Grant(name, (Capability(known.capability),))

    def by_token(self, token: str) -> Grant:
        """The grant of a token issued here; raises a TokenError."""
        grant = self._tokens.get(token)
        if grant is None:
            raise UnknownTokenError("the token is not known")
        if grant.key_name in self._revoked:
            raise TokenRevokedError("the key of this token has been revoked")
        if grant.expires_ms is not None and grant.expires_ms <= self._now_ms():
            raise TokenExpiredError("the token has expired")
        return grant

    def by_header(self, authorization: str | None) -> Grant:
        """The grant of a REST request's Authorization header; raises InvalidCredentialsError or a TokenError."""
        scheme, _, encoded = (authorization or "").partition(" ")
        try:
            credentials = base64.b64decode(encoded, validate=True).decode()
        except ValueError as error:
            raise InvalidCredentialsError("invalid credentials: the Authorization header is not base64") from error
        if scheme.lower() == "basic":
            return self.by_key(credentials)
        if scheme.lower() == "bearer" and credentials:
            return self.by_token(credentials)
        raise InvalidCredentialsError("invalid credentials: no Basic or Bearer authorization")

    def issue_token(self, key_name: str, request: Wire) -> Wire:
        """Answer a signed token request with token details; raises InvalidCredentialsError."""
        key = self._keys.get(key_name)
        if key is None or key_name in self._revoked:
            raise InvalidCredentialsError("invalid credentials: the key is unknown or revoked")
        if not hmac.compare_digest(_signature(key, request), str(request.get("mac", ""))):
            raise InvalidCredentialsError("invalid credentials: the token request is not signed by its key")
        return self._issue(key, request)

    def _issue(self, key: KeySpec, request: Wire) -> Wire:
        wanted = request.get("capability")
        capabilities = (Capability(key.capability), *([Capability.parse(wanted)] if wanted else []))
        issued = self._now_ms()
        expires = issued + int(request.get("ttl") or DEFAULT_TOKEN_TTL_MS)
        token = f"{key.name.partition('.')[0]}.{secrets.token_urlsafe(24)}"
        self._remember(token, Grant(key.name, capabilities, request.get("clientId"), expires))
        details: Wire = {
            "token": token,
            "keyName": key.name,
            "issued": issued,
            "expires": expires,
            "capability": capabilities[-1].to_json(),
        }
        return details | ({"clientId": request["clientId"]} if request.get("clientId") else {})

    def _remember(self, token: str, grant: Grant) -> None:
        if len(self._tokens) >= MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        self._tokens[token] = grant

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


def _signature(key: KeySpec, request: Wire) -> str:
    fields = ("keyName", "ttl", "capability", "clientId", "timestamp", "nonce")
    text = "".join(f"{request.get(field) or ''}\n" for field in fields)
    return base64.b64encode(hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).digest()).decode()
