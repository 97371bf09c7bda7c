"""What is wrong with Redis itself: why it takes no writes just now, and what may make it lose some.

Judged by its settings and by what it tells of its state, never by an attempt to write.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from event_queue.outcomes import RedisCondition
from event_queue.redis_durability import DURABLE_SETTINGS, durability_warnings
from event_queue.redis_errors import translate, translated

_SETTINGS: Final = (*DURABLE_SETTINGS, "save", "stop-writes-on-bgsave-error", "min-replicas-to-write")
_SECTIONS: Final = ("persistence", "memory", "replication")
_TELLS_NOTHING: Final = (
    "its user may not ask INFO, so that it cannot be compared with history and no event is taken in: allow it "
    "(ACL SETUSER <user> +info)"
)


async def condition_of(client: "Redis") -> RedisCondition:
    """Ask once, in one round trip. What Redis hides is judged by what else shows, and named.

    Raises:
        QueueUnavailable: Redis did not answer.
    """
    untyped: Any = client
    with translated("condition"):
        async with untyped.pipeline(transaction=False) as pipeline:
            for name in _SETTINGS:
                pipeline.config_get(name)
            for section in _SECTIONS:
                pipeline.info(section)
            replies = await pipeline.execute(raise_on_error=False)
    settings, state = _merged(replies[: len(_SETTINGS)]), _merged(replies[len(_SETTINGS) :])
    return judge_redis(settings, state, tells_its_run=not isinstance(replies[-1], NoPermissionError))


def judge_redis(settings: Mapping[str, str], state: Mapping[str, Any], *, tells_its_run: bool = True) -> RedisCondition:
    """Judge what CONFIG GET and INFO told, each as far as it may be read; without any INFO no event is taken in."""
    refusals = tuple(_refusals(settings, state) if tells_its_run else [_TELLS_NOTHING])
    return RedisCondition(refusals, (*durability_warnings(settings, state), *_failures(state)))


def _refusals(settings: Mapping[str, str], state: Mapping[str, Any]) -> Iterator[str]:
    """The conditions under which Redis itself refuses writes; a replica looks at the first one alone."""
    if state.get("role") == "slave":
        if state.get("slave_read_only", 1):
            yield "it is a read-only replica of another Redis: use that one, or promote this one (REPLICAOF NO ONE)"
        return
    if _snapshot_failed(state) and settings.get("stop-writes-on-bgsave-error") == "yes" and settings.get("save"):
        yield "its last snapshot failed (rdb_last_bgsave_status=err): see that it can write into its folder"
    if state.get("aof_enabled") and state.get("aof_last_write_status") == "err":
        yield "its append-only file cannot be written (aof_last_write_status=err): see that its disk has room"
    replicas = state.get("min_slaves_good_slaves")
    if replicas is not None and replicas < int(settings.get("min-replicas-to-write", 1)):
        yield f"only {replicas} of the replicas that min-replicas-to-write asks for follow it"
    if _is_full(state):
        yield "its memory is full (maxmemory), and it takes in no new event"


def _failures(state: Mapping[str, Any]) -> Iterator[str]:
    """What shows that a loss may come, although writes are taken."""
    if state.get("role") == "slave" and not state.get("slave_read_only", 1):
        yield "Redis is a replica that may be written to: what it takes is lost when it follows its primary again"
    if _snapshot_failed(state):
        yield "the last snapshot of Redis failed (rdb_last_bgsave_status=err): see that it can write into its folder"
    if state.get("aof_last_bgrewrite_status") == "err":
        yield "Redis could not write its append-only file anew (aof_last_bgrewrite_status=err): its disk will fill"


def _snapshot_failed(state: Mapping[str, Any]) -> bool:
    return state.get("rdb_last_bgsave_status") == "err"


def _is_full(state: Mapping[str, Any]) -> bool:
    """As Redis counts: what waits to be sent or written to disk is not held against it."""
    limit = state.get("maxmemory", 0)
    used = state.get("used_memory", 0) - state.get("mem_not_counted_for_evict", 0)
    return bool(limit) and used > limit and state.get("maxmemory_policy") == "noeviction"


def _merged(replies: Iterable[Any]) -> dict[str, Any]:
    """What Redis told; nothing where it does not let us ask."""
    told: dict[str, Any] = {}
    for reply in replies:
        if isinstance(reply, Exception) and not isinstance(reply, ResponseError):
            raise translate(reply, "looking at Redis")
        told |= {} if isinstance(reply, ResponseError) else reply
    return told
