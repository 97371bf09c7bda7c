"""Errors of Redis, translated by class and code."""

from typing import Any

import pytest
from redis._parsers.base import BaseParser
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    MaxConnectionsError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from event_queue.errors import CorruptQueue, QueueError, QueueFull, QueueUnavailable
from event_queue.redis_errors import translate, translated

WRAPPED = "Error running script (call to f_0a1b): @user_script:19: @user_script: 19: -"

CASES: list[tuple[Exception, type[QueueError]]] = [
    (RedisConnectionError("refused"), QueueUnavailable),
    (RedisTimeoutError("silent"), QueueUnavailable),
    (BusyLoadingError("loading"), QueueUnavailable),
    (MaxConnectionsError("all in use"), QueueUnavailable),
    (AuthenticationError("wrong password"), QueueUnavailable),
    (OSError("reset"), QueueUnavailable),
    (ReadOnlyError("replica"), QueueUnavailable),
    (ResponseError("MISCONF Errors writing to the AOF file"), QueueUnavailable),
    (ResponseError(WRAPPED + "READONLY You can't write against a read only replica."), QueueUnavailable),
    (OutOfMemoryError("command not allowed"), QueueFull),
    (ResponseError(WRAPPED + "OOM command not allowed when used memory > 'maxmemory'."), QueueFull),
    (ResponseError(WRAPPED + "WRONGTYPE Operation against a key holding the wrong kind of value"), CorruptQueue),
    (ResponseError("WRONGTYPE Operation against a key"), CorruptQueue),
    (ResponseError("unknown command"), CorruptQueue),
    (RedisError("odd"), CorruptQueue),
]


@pytest.mark.parametrize(("foreign", "ours"), CASES, ids=[f"{type(c[0]).__name__}-{c[1].__name__}" for c in CASES])
async def test_each_error_says_what_to_do(foreign: Exception, ours: type[QueueError]) -> None:
    """The translation keeps the action in its words and the cause in its chain."""
    assert type(translate(foreign, "claim")) is ours

    with pytest.raises(ours, match="claim") as raised, translated("claim"):
        raise foreign
    assert raised.value.__cause__ is foreign


@pytest.mark.parametrize(
    "code",
    [
        "READONLY",
        "UNBLOCKED",
        "MISCONF",
        "LOADING",
        "MASTERDOWN",
        "CLUSTERDOWN",
        "BUSY",
        "NOREPLICAS",
        "TRYAGAIN",
        "NOPERM",
        "NOSCRIPT",
    ],
)
def test_what_may_pass_by_itself_is_told_from_the_very_words_of_redis(code: str) -> None:
    """redis-py gives some codes a class, and takes them out of the words; whatever it does, the code counts."""
    parser: Any = BaseParser

    assert type(translate(parser.parse_error(f"{code} and why"), "claim")) is QueueUnavailable


async def test_an_error_of_ours_passes_through() -> None:
    """Only foreign errors are translated."""
    with pytest.raises(QueueFull), translated("claim"):
        raise QueueFull
