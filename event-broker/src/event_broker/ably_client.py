"""The edge to the Ably SDK, which has no types: making a client, taking leave of it, reading its errors.

Only this module, `ably_session`, `channel_link`, `ably_message`, `ably_decoding` and `ably_history` touch what the SDK
made.
"""

import asyncio
import logging
import re
from dataclasses import dataclass
from typing import Any, Final

import ably as untyped_ably
from ably.transport.defaults import Defaults
from ably.util.exceptions import AblyException

from event_broker.settings import AblyTiming
from service_runtime.settings import AblySettings

_ably: Any = untyped_ably
_defaults: Any = Defaults
_BUSY_STATUSES: Final = (408, 429)
_CLIENT_ERRORS: Final = range(400, 500)
_NOT_FOUND: Final = 40400
_NOT_AUTHORIZED: Final = range(40100, 40200)
_KEY_FORM: Final = re.compile(r"[^.:\s]+\.[^:\s]+:\S+")


@dataclass(frozen=True, slots=True)
class AblyFault:
    """An error as Ably or the SDK reported it."""

    code: int | None
    """Ably's own error code; None for what never reached Ably."""
    text: str

    def __str__(self) -> str:
        """Code and text."""
        return self.text if self.code is None else f"{self.code} {self.text}"


def fault_of_change(change: Any) -> AblyFault | None:
    """The fault behind a change of state, if the SDK gives a reason."""
    return None if change.reason is None else fault_of(change.reason)


def fault_of(reason: object) -> AblyFault:
    """The fault in the `reason` of a state change or in an exception."""
    if isinstance(reason, AblyException):
        raised: Any = reason
        return AblyFault(raised.code, str(raised.message))
    return AblyFault(None, str(reason) or type(reason).__name__)


def is_refusal(reason: object) -> bool:
    """Whether Ably has answered a request with a no; being slow, too busy or out of order is none.

    Every 4xx is one but 408 (timeout) and 429 (too many requests), and so are Ably's codes for a key that may not.
    """
    if not isinstance(reason, AblyException):
        return False
    raised: Any = reason
    status, code = raised.status_code, raised.code
    if status in _BUSY_STATUSES:
        return False
    return (isinstance(status, int) and status in _CLIENT_ERRORS) or code == _NOT_FOUND or code in _NOT_AUTHORIZED


def is_key(text: str) -> bool:
    """Whether the text has the form `appId.keyId:secret`."""
    return _KEY_FORM.fullmatch(text) is not None


def application_of(settings: AblySettings) -> str:
    """The id of the application to which the key belongs, which is no secret; empty without a key."""
    return settings.api_key.get_secret_value().partition(".")[0] if settings.api_key else ""


def hosts_of(endpoint: str | None) -> tuple[str, ...]:
    """The hosts to try in turn.

    The SDK would walk through its fallback hosts itself, but it asks a web page before each, and stops the whole
    event loop until the page answers. A client that is given a full host name has no fallback hosts.
    """
    name = endpoint or _defaults.endpoint
    return (_defaults.get_hostname(name), *_defaults.get_fallback_hosts(name))


def open_client(settings: AblySettings, host: str, timing: AblyTiming) -> Any:
    """A realtime client that has begun to connect. The key has to be set and well formed."""
    if settings.api_key is None:
        raise ValueError("an Ably client needs a key")
    return _ably.AblyRealtime(
        key=settings.api_key.get_secret_value(),
        endpoint=host,
        tls=settings.tls,
        realtime_request_timeout=int(timing.request_seconds * 1000),
    )


def open_rest_client(settings: AblySettings, host: str, timing: AblyTiming) -> Any:
    """A client for history alone. The key has to be set; without TLS, Ably takes tokens only.

    How long an answer is waited for is the reader's affair: the SDK's own limit of 10 s of silence stands behind that.
    """
    if settings.api_key is None:
        raise ValueError("an Ably client needs a key")
    key = settings.api_key.get_secret_value()
    return _ably.AblyRest(
        key=key,
        endpoint=host,
        tls=settings.tls,
        use_token_auth=not settings.tls,
        http_request_timeout=2 * timing.history_longest_seconds,
    )


async def close_client(client: Any, timing: AblyTiming) -> None:
    """Take leave of Ably, within bounds: after silence the SDK waits for an answer to its goodbye."""
    try:
        async with asyncio.timeout(timing.close_seconds):
            await _drop_deaf_transport(client.connection.connection_manager)
            await client.close()
    except TimeoutError:
        return


async def _drop_deaf_transport(manager: Any) -> None:
    """Spare the SDK its goodbye into a socket that is not open yet, or no more.

    It would fail in a task that nobody hears.
    """
    transport = manager.transport
    if transport is None:
        return
    if transport.websocket is None:
        await transport.dispose()
    if transport.is_disposed:
        manager.transport = None


def quieten_sdk() -> None:
    """Let the SDK's own log lines through only at DEBUG.

    It tells each failed attempt with a traceback, and its own mistakes as errors; what they mean for the service is
    logged by us. At DEBUG it writes the key into URLs, which the log's redaction masks.
    """
    root = logging.getLogger()
    logging.getLogger("ably").setLevel(logging.NOTSET if root.isEnabledFor(logging.DEBUG) else logging.CRITICAL)
