"""Progress of channels in a real Redis."""

from datetime import UTC, datetime, timedelta

import pytest

from event_queue.errors import CorruptQueue, QueueUnavailable
from event_queue.progress import MissedStretch, Progress
from event_queue.redis_progress import RedisProgress
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.redis_server import running_redis

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 2, 15, 0, 0, 123000, tzinfo=UTC)
WHOLE = Progress(NOW, "abc:0", NOW - timedelta(seconds=3), MissedStretch(NOW - timedelta(hours=2), NOW, NOW))
BARE = Progress(NOW)


@pytest.mark.parametrize("progress", [WHOLE, BARE])
async def test_what_is_written_is_read(redis_queue: RedisQueue, progress: Progress) -> None:
    """Moments to the microsecond, under any channel name."""
    store = redis_queue.progress

    await store.write({"[meta]a:b/c \N{SNOWMAN}": progress})

    assert await store.read() == {"[meta]a:b/c \N{SNOWMAN}": progress}


async def test_others_stay_and_forgotten_ones_go(redis_queue: RedisQueue) -> None:
    """A write concerns the channels it names; so does forgetting."""
    store = RedisProgress(redis_queue.client, "{paper}:channel_progress")
    await store.write({"a": BARE, "b": BARE, "c": BARE})

    await store.write({"b": WHOLE})
    await store.forget(["a"])
    await store.forget([])

    assert await store.read() == {"b": WHOLE, "c": BARE}
    assert await redis_queue.client.keys() == ["{paper}:channel_progress"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"heard_until": "2026-03-02T15:00:00", "message_at": null}'])
async def test_an_unreadable_entry_is_named(redis_queue: RedisQueue, text: str) -> None:
    """Something else wrote there: an operator must look."""
    await redis_queue.client.hset(redis_queue.keys.progress, "growth", text)

    with pytest.raises(CorruptQueue, match="growth"):
        await redis_queue.progress.read()


async def test_a_redis_that_is_gone_is_unavailable() -> None:
    """Reading and writing both say so."""
    with running_redis() as server:
        async with open_redis(server.address, answer=timedelta(seconds=0.3)) as queue:
            store = queue.progress
            server.kill()

            with pytest.raises(QueueUnavailable):
                await store.read()
            with pytest.raises(QueueUnavailable):
                await store.write({"a": BARE})
