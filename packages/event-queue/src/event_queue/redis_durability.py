"""Whether this Redis keeps what it acknowledged: its settings, and the types of the queue's keys."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis

from event_queue.errors import CorruptQueue
from event_queue.keys import QueueKeys
from event_queue.redis_errors import translate, translated

_WANTED: Final[Mapping[str, tuple[str, str]]] = {
    "appendonly": ("yes", "a restart of Redis loses the queue"),
    "appendfsync": ("always", "a power failure can lose the last second of acknowledged events"),
    "no-appendfsync-on-rewrite": ("no", "a power failure can lose what was acknowledged while the file is rewritten"),
    "maxmemory-policy": ("noeviction", "Redis may drop events when memory runs short"),
}
DURABLE_SETTINGS: Final = tuple(_WANTED)


def durability_warnings(settings: Mapping[str, str], state: Mapping[str, Any]) -> Sequence[str]:
    """One sentence for each setting that may lose events, as far as CONFIG GET and INFO tell them.

    Of a Redis that hides its settings, those are told that show elsewhere, and which ones do not.
    """
    shown = {name: value for name, value in settings.items() if name in _WANTED}
    return (*_complaints(shown or _guessed(state)), *_hidden(shown))


def _guessed(state: Mapping[str, Any]) -> Mapping[str, str]:
    """Those settings that show in how Redis is doing."""
    settings: dict[str, str] = {}
    if "aof_enabled" in state:
        settings["appendonly"] = "yes" if state["aof_enabled"] else "no"
    if "maxmemory_policy" in state:
        settings["maxmemory-policy"] = state["maxmemory_policy"]
    return settings


def _complaints(settings: Mapping[str, str]) -> Iterator[str]:
    for name, (wanted, danger) in _WANTED.items():
        actual = settings.get(name, wanted)
        if actual != wanted:
            yield f"Redis has {name}={actual} instead of {wanted}: {danger}"


def _hidden(settings: Mapping[str, str]) -> Iterator[str]:
    hidden = [name for name in _WANTED if name not in settings]
    if hidden:
        yield f"Redis does not let its settings be read (CONFIG GET): check {', '.join(hidden)} by hand"


async def verify_keys(client: "Redis", keys: QueueKeys) -> None:
    """Check the type of every key of the queue, and that its counters count, in one round trip.

    Raises:
        CorruptQueue: a key holds something else, so that scripts would stop halfway.
        QueueUnavailable: Redis did not answer.
    """
    untyped: Any = client
    expected, counters = keys.types(), (keys.counter, keys.fence)
    with translated("verify_keys"):
        async with untyped.pipeline(transaction=False) as pipeline:
            for key in expected:
                pipeline.type(key)
            for key in counters:
                pipeline.get(key)
            found: list[Any] = await pipeline.execute(raise_on_error=False)
    types, counts = found[: len(expected)], found[len(expected) :]
    for (key, wanted), actual in zip(expected.items(), map(_answer, types), strict=True):
        if actual not in (wanted, "none"):
            raise CorruptQueue(f"key {key} is a {actual} and must be a {wanted}: move it away before starting")
    for key, count in zip(counters, map(_answer, counts), strict=True):
        if not (count is None or count.isdecimal()):
            raise CorruptQueue(f"key {key} is {count[:40]!r} and must be a number: put it right before starting")


def _answer(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise translate(reply, "looking at Redis")
    return reply
