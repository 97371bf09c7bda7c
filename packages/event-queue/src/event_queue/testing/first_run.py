"""A run of Redis in which nobody has held the lease before: its first worker need not wait for anybody."""

from typing import Any, Final

from event_queue.keys import QueueKeys
from event_queue.script_files import read_shared

_VOUCH: Final = "redis.call('SET', KEYS[1], this_run())"


async def vouch_for_run(client: Any, keys: QueueKeys) -> None:
    """Say what a worker says of the run after its first wait; true only of a Redis that one has just made oneself."""
    await client.eval(f"{read_shared('run')}\n{_VOUCH}", 1, keys.lease_run)
