"""Errors of Redis and its client, translated into the queue's own at one edge."""

import re
from types import TracebackType
from typing import Final

from redis.exceptions import (
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from event_queue.cancellation import CancellationKept
from event_queue.errors import CorruptQueue, QueueClosed, QueueError, QueueFull, QueueUnavailable
from event_queue.known_run import UnknownRun

_PASSING_CODES: Final = frozenset(
    {"READONLY", "MISCONF", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "BUSY", "NOREPLICAS", "TRYAGAIN", "NOPERM"}
    | {"UNBLOCKED"}  # ends a wait when Redis becomes a replica
)
_PASSING_CLASSES: Final = (
    RedisConnectionError,
    RedisTimeoutError,
    OSError,
    # Codes for which redis-py has a class, and which it takes out of the words then.
    ReadOnlyError,
    ClusterDownError,
    TryAgainError,
    NoScriptError,  # Redis forgot its scripts amid a batch
)
# Redis 6 wraps the error of a command inside a script: "ERR Error running script ...: @user_script:12: -OOM ...".
_WRAPPED_CODE: Final = re.compile(r"@user_script:\s*\d+:\s*-([A-Z]+)\b")
_CODE: Final = re.compile(r"-?([A-Z]+)\b")


def translated(action: str) -> "_Translated":
    """Raise the queue's errors for those of Redis, and lose no cancellation; `action` says what was being done."""
    return _Translated(action)


class _Translated(CancellationKept):
    __slots__ = ("_action",)

    def __init__(self, action: str) -> None:
        self._action = action

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """A cancellation stands above every error."""
        CancellationKept.__exit__(self, kind, error, trace)
        if isinstance(error, (RedisError, OSError, UnicodeDecodeError)):
            raise translate(error, self._action) from error


def translate(error: Exception, action: str) -> QueueError:
    """The queue's error for one of Redis, decided by its class and by the error code that the protocol carries."""
    if isinstance(error, OutOfMemoryError):
        return QueueFull(f"{action}: Redis is at its memory limit and took nothing in")
    if isinstance(error, UnknownRun):
        return QueueClosed(str(error))
    if isinstance(error, NoPermissionError):
        return QueueUnavailable(f"{action}: Redis refused it to its user: {error}")
    if isinstance(error, _PASSING_CLASSES):
        return QueueUnavailable(f"{action}: Redis did not answer: {error}")
    if isinstance(error, ResponseError):
        return _from_code(_error_code(str(error)), error, action)
    return CorruptQueue(f"{action}: Redis answered what the queue does not expect: {error}")


def _error_code(message: str) -> str:
    found = _WRAPPED_CODE.search(message) or _CODE.match(message)
    return found[1] if found else ""


def _from_code(code: str, error: ResponseError, action: str) -> QueueError:
    if code == "OOM":
        return QueueFull(f"{action}: Redis is at its memory limit and took nothing in")
    if code in _PASSING_CODES:
        return QueueUnavailable(f"{action}: Redis cannot serve now: {error}")
    return CorruptQueue(f"{action}: Redis refused the command: {error}")
