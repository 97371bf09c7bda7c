"""Redis on a full disk: a limit of what its process may write ends its file in mid-write, as a full disk does."""

import resource
from datetime import timedelta

import pytest

from event_queue.errors import QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Queued
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.redis_server import RedisServer

pytestmark = pytest.mark.integration

MOMENT = timedelta(milliseconds=1)


def leave_room(server: RedisServer, amount: int) -> None:
    """Let its files grow by so many bytes, and no more."""
    written = max(path.stat().st_size for path in server.directory.rglob("*") if path.is_file())
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (written + amount, resource.RLIM_INFINITY))


async def fill_up(queue: RedisQueue, accepted: list[RebalanceEvent]) -> None:
    """Queue events until Redis takes no more."""
    for number in range(len(accepted), 100_000):
        outcome = await queue.intake.enqueue(make_event(f"DU{number}"))
        assert isinstance(outcome, Queued)
        accepted.append(outcome.event)


@pytest.mark.parametrize("room", [0, 1, 500, 12_345])
async def test_a_redis_whose_disk_is_full_loses_nothing(
    own_redis: RedisServer, own_queue: RedisQueue, room: int
) -> None:
    """Nothing is acknowledged that did not fit, twice in a row; with space all that was is there, once."""
    accepted: list[RebalanceEvent] = []
    for _ in range(2):
        leave_room(own_redis, room)
        with pytest.raises(QueueUnavailable):
            await fill_up(own_queue, accepted)
        own_redis.kill()  # it has ended by itself; this closes what the test held of it
        own_redis.start()
    await own_queue.intake.enqueue(last := make_event("DULAST"))

    living = [entry.event.event_id for entry in await own_queue.admin.list_events(1000)]
    records = await own_queue.outbox.read("0-0", limit=1000, block=MOMENT)

    assert {event.event_id for event in (*accepted, last)} <= set(living)
    assert len(living) == len(set(living)) <= len(accepted) + 3
    assert [record.counter for record in records] == list(range(1, len(living) + 1))
