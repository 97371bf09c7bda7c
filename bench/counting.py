"""How many commands Redis runs for one transition: the one that is sent, and those inside its script."""

from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.redis_server import running_redis

_SLOT = "0"
_NOT_OURS = {"info", "blpop", "lpop"}


@dataclass(frozen=True, slots=True)
class CommandCount:
    """What one transition made Redis do."""

    transition: str
    round_trips: int
    inside_the_script: int


async def count_on_a_fresh_queue() -> list[CommandCount]:
    """Counts on a Redis of its own; the first life loads the scripts and is not counted."""
    with running_redis(appendfsync="everysec") as server:
        async with open_redis(server.address) as queue:
            lease = await queue.worker.acquire_lease("bench", ttl=timedelta(minutes=1))
            if not isinstance(lease, Lease):
                raise TypeError("a fresh queue's lease is free")
            await count_commands(queue, lease)
            return await count_commands(queue, lease)


async def count_commands(queue: RedisQueue, lease: Lease) -> list[CommandCount]:
    """Count a whole life: queued, refused, claimed, requeued, claimed again, completed; and the two questions."""
    counts: list[CommandCount] = []

    async def counted(transition: str, step: Awaitable[Any]) -> Any:
        before = await _calls(queue.client)
        answer = await step
        counts.append(summarise(transition, await _calls(queue.client) - before))
        return answer

    event = make_event("counted")
    await counted("enqueue", queue.intake.enqueue(event))
    await counted("enqueue, refused as duplicate", queue.intake.enqueue(make_event("counted")))
    held = _required(await counted("claim", queue.worker.claim(lease, _SLOT)))
    requeue = queue.worker.requeue(lease, _SLOT, held, pause=timedelta(0), error="", result={})
    await counted("requeue", requeue)
    held = _required(await queue.worker.claim(lease, _SLOT))
    await queue.intake.enqueue(make_event("next"))
    complete = queue.worker.complete(lease, _SLOT, held, result={}, claim_next=True)
    held = _required(await counted("complete + claim next", complete))
    await counted("status", queue.admin.status())
    await counted("list", queue.admin.list_events(100))
    await queue.worker.complete(lease, _SLOT, held, result={}, claim_next=False)
    return counts


def summarise(transition: str, calls: Counter[str]) -> CommandCount:
    """Tell the scripts that were sent from the commands that they ran."""
    scripts = calls["evalsha"]
    inside = sum(number for name, number in calls.items() if name not in {*_NOT_OURS, "evalsha"})
    return CommandCount(transition, scripts, inside)


async def _calls(client: Any) -> Counter[str]:
    stats: dict[str, dict[str, int]] = await client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()})


def _required(event: RebalanceEvent | None) -> RebalanceEvent:
    if event is None:
        raise LookupError("the event that was just queued is not there to be claimed")
    return event
