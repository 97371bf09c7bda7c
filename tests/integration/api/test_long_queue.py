"""Ten thousand events waiting, thousands of accounts: the API answers as ever."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from event_queue.events import Command, RebalanceEvent
from event_queue.redis_queue import RedisQueue
from service_runtime.accounts_loader import load_accounts

pytestmark = pytest.mark.integration

WAITING = 10_000
MOMENT = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
async def long_queue(redis_queue: RedisQueue) -> int:
    """A queue of ten thousand events, written as the queue writes them, in bulk."""
    keys, pipeline = redis_queue.keys, redis_queue.client.pipeline(transaction=False)
    for number in range(WAITING):
        event = RebalanceEvent.new(
            account_id=f"DUX{number:06d}", exec_command=Command.PRINT_EQUITY, source="api", now=MOMENT
        )
        pipeline.lpush(keys.queue, str(event.event_id))
        pipeline.hset(keys.events, str(event.event_id), event.model_dump_json())
        pipeline.hset(keys.active, event.dedup_key, str(event.event_id))
        pipeline.zadd(keys.ages, {str(event.event_id): MOMENT.timestamp() * 1000})
    await pipeline.execute()
    return WAITING


async def test_a_long_queue_is_read_in_bounded_pieces(api: Any, long_queue: int) -> None:
    """Counted whole, listed up to the limit, in order; a limit out of bounds is refused."""
    async with api.client() as client:
        status = (await client.get("/queue/status")).json()
        health = await client.get("/health")
        lists = [(await client.get(f"/queue/events?limit={limit}")).json() for limit in (1, 100, 1000)]
        refused = [(await client.get(f"/queue/events?limit={limit}")).status_code for limit in (0, -1, 1001, 10**30)]

    assert status["queue_length"] == status["active_events_count"] == long_queue
    assert health.status_code == 200
    assert [len(events) for events in lists] == [1, 100, 1000]
    assert [event["account_id"] for event in lists[1]] == [f"DUX{number:06d}" for number in range(100)]
    assert refused == [422] * 4


async def test_an_event_joins_and_leaves_a_long_queue(api: Any, long_queue: int) -> None:
    """Added behind all others, refused twice, removed; nothing else moves."""
    body = {"account_id": "DU123456", "exec_command": "rebalance"}
    async with api.client() as client:
        added = await client.post("/queue/events", json=body)
        twin = await client.post("/queue/events", json=body)
        removed = await client.delete(added.headers["location"])
        status = (await client.get("/queue/status")).json()

    assert (added.status_code, twin.status_code, removed.status_code) == (201, 409, 200)
    assert status["queue_length"] == long_queue


def test_five_thousand_accounts_are_read(tmp_path: Path) -> None:
    """Every one, by its own settings."""
    entry = '- account_id: "DU{0:06d}"\n  notification: {{channel: model-{0}}}\n'
    path = tmp_path / "accounts.yaml"
    path.write_text("".join(entry.format(number) for number in range(5_000)), "utf-8")

    accounts = load_accounts(path)

    assert len(accounts.by_id) == 5_000
    assert accounts.by_id["DU004999"].notification.channel == "model-4999"
