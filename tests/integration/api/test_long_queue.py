"""Many thousand events waiting, thousands of accounts: the API answers as ever."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from event_queue.events import Command, RebalanceEvent
from event_queue.redis_queue import RedisQueue
from service_runtime.accounts_loader import load_accounts

pytestmark = pytest.mark.integration

WAITING = 10_000
FEW = 20
VERY_MANY = 100_000
OFFSETS = (0, 50_000, 99_500, VERY_MANY)
BATCH = 10_000
MOST_COMMANDS = 50
"""Of which 16 ask how Redis is set up, and how each part of the system is, and one asks the type of each key."""
MOMENT = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)


READS = ("/health", "/queue/status", "/queue/events?limit=10", "/queue/events?limit=10&offset=5", "/metrics")
FILL = """
local queue, events, active, ages = unpack(KEYS)
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = string.format('00000000-0000-4000-8000-%012d', number)
  local account = string.format('DUX%06d', number)
  redis.call('LPUSH', queue, id)
  redis.call('HSET', events, id, string.format(ARGV[3], id, account))
  redis.call('HSET', active, account .. ':print-equity', id)
  redis.call('ZADD', ages, ARGV[4], id)
end
"""
"""Writes events as the queue writes them, in bulk."""
BODY = RebalanceEvent.new(account_id="ACCOUNT", exec_command=Command.PRINT_EQUITY, source="api", now=MOMENT)


async def add_many(queue: RedisQueue, numbers: range) -> None:
    """Let events of as many accounts wait."""
    keys = (queue.keys.queue, queue.keys.events, queue.keys.active, queue.keys.ages)
    body = BODY.model_dump_json().replace(str(BODY.event_id), "%s").replace("ACCOUNT", "%s")
    for start in range(numbers.start, numbers.stop, BATCH):
        last = min(start + BATCH, numbers.stop) - 1
        await queue.client.eval(FILL, len(keys), *keys, start, last, body, MOMENT.timestamp() * 1000)


@pytest.fixture
async def long_queue(redis_queue: RedisQueue) -> int:
    """A queue of ten thousand events."""
    await add_many(redis_queue, range(WAITING))
    return WAITING


async def commands(client: Any) -> Counter[str]:
    """How often Redis has run each command, those inside scripts included."""
    stats: dict[str, dict[str, int]] = await client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()})


async def cost(api: Any, client: httpx.AsyncClient, path: str) -> Counter[str]:
    """What one request costs Redis."""
    redis = api.dependencies.admin._client
    before = await commands(redis)
    answer = await client.get(path)
    spent = await commands(redis) - before
    assert answer.status_code == 200
    del spent["info"]
    return spent


async def test_what_monitoring_asks_costs_the_same_behind_a_hundred_thousand_events(
    api: Any, redis_queue: RedisQueue
) -> None:
    """Health, counters, pieces of the list and metrics: by Redis's own count as many commands as behind twenty."""
    async with api.client() as client:
        await add_many(redis_queue, range(FEW))
        for path in READS:
            await cost(api, client, path)  # loads the scripts
        short = {path: await cost(api, client, path) for path in READS}
        await add_many(redis_queue, range(FEW, VERY_MANY))

        long = {path: await cost(api, client, path) for path in READS}
        status = (await client.get("/queue/status")).json()
        pages = [(await client.get(f"/queue/events?limit=1000&offset={offset}")).json() for offset in OFFSETS]

    assert status["queue_length"] == VERY_MANY
    assert [[event["account_id"] for event in page] for page in pages] == [
        [f"DUX{number:06d}" for number in range(offset, min(offset + 1000, VERY_MANY))] for offset in OFFSETS
    ]
    assert long == short
    assert all(spent.total() <= MOST_COMMANDS for spent in long.values()), long
    assert not {"keys", "smembers", "scan", "hscan", "sscan", "zscan", "sort", "lpos", "lindex"} & set().union(
        *long.values()
    )


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
