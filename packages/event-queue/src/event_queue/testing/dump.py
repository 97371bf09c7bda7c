"""Everything a Redis holds, for comparing one moment with another."""

from collections.abc import Awaitable, Callable
from typing import Any

_READERS: dict[str, Callable[[Any, str], Awaitable[Any]]] = {
    "string": lambda client, key: client.get(key),
    "list": lambda client, key: client.lrange(key, 0, -1),
    "hash": lambda client, key: client.hgetall(key),
    "set": lambda client, key: client.smembers(key),
    "zset": lambda client, key: client.zrange(key, 0, -1, withscores=True),
    "stream": lambda client, key: client.xrange(key),
}


async def dump_all(client: Any, *, prefix: str = "") -> dict[str, Any]:
    """Key -> value of every key, or of those with a prefix; how long keys still live is left out."""
    keys: list[str] = sorted(await client.keys(f"{prefix}*"))
    return {key: await _READERS[await client.type(key)](client, key) for key in keys}
