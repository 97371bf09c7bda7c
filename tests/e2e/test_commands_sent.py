"""What the services make Redis do, as Redis itself tells it: counts, which are the same on any machine."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.script_files import load_scripts
from event_queue.testing.redis_server import RedisServer, running_redis
from running_system import Follower, System, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

PRINTS = ("print-positions", "print-equity", "print-orders")
FOLLOWERS = [Follower(account_id=f"DU{number}", answer={"AAA": 1}, cash=1000) for number in range(1, 11)]
JOBS = len(FOLLOWERS) * len(PRINTS)
WATCHED_SECONDS = 10
BOUND_SECONDS = 60
READS = ("/health", "/queue/status", "/queue/events", "/events", "/metrics")
WALKS = {"keys", "smembers", "hgetall", "scan", "hscan", "sscan", "zscan", "sort"}
"""Commands whose cost grows with what Redis holds."""


@pytest.fixture(scope="module")
def own_redis() -> Any:
    """A Redis that only this file's system uses."""
    with running_redis() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(open_system: Any, own_redis: RedisServer) -> AsyncGenerator[System]:
    """Ten accounts on one instrument."""
    world = {"instruments": [{"symbol": "AAA", "price": 10}]}
    async with open_system(FOLLOWERS, world, redis=own_redis) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def queue(system: System, own_redis: RedisServer) -> AsyncGenerator[RedisQueue]:
    """The same queue from outside."""
    prefix = system.processor.environment["REDIS_KEY_PREFIX"]
    async with open_redis(own_redis.address, key_prefix=prefix) as opened:
        yield opened


async def watch(redis: RedisServer, *, seconds: float, until: asyncio.Event | None = None) -> list[list[str]]:
    """Every command that Redis gets or runs inside a script, word by word, until the time is up or an event is set."""
    seen: list[list[str]] = []
    patient: Any = Redis(port=redis.port)
    async with patient, patient.monitor() as monitor:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while until is None or not until.is_set():
                    command = await monitor.next_command()
                    seen.append([command["client_type"], *command["command"].split()])
    return seen


def sent(seen: list[list[str]]) -> list[list[str]]:
    """Without what scripts run."""
    return [words for kind, *words in seen if kind != "lua"]


def walks(seen: list[list[str]]) -> list[list[str]]:
    """Those that go through everything there is."""
    whole_list = [words for words in seen if words[1].lower() == "lrange" and words[3:] == ["0", "-1"]]
    return [words for words in seen if words[1].lower() in WALKS] + whole_list


async def test_under_load_each_job_costs_one_script(system: System, queue: RedisQueue, own_redis: RedisServer) -> None:
    """Thirty events over HTTP and thirty attempts: an EVALSHA each; nothing walks through the keys, nor do reads."""
    await system.processor.kill()
    names = {script.sha: name for name, script in load_scripts().items()}
    done = asyncio.Event()
    watching = asyncio.create_task(watch(own_redis, seconds=BOUND_SECONDS, until=done))
    for follower in FOLLOWERS:
        for command in PRINTS:
            (await system.api.post(follower.account_id, command)).raise_for_status()
    for path in READS:
        await system.api.http.get(path)
    await system.processor.start()
    await system.processor.log.until("event_completed", count=JOBS)
    await eventually(queue.admin.status, lambda status: status.active_events_count == 0)
    done.set()
    await queue.client.ping()

    seen = await watching

    scripts = Counter(names[words[1]] for words in sent(seen) if words[0].upper() == "EVALSHA")
    assert scripts["enqueue"] == JOBS
    assert scripts["finish"] == JOBS
    assert scripts["claim"] <= 5
    assert walks(seen) == []


async def test_idle_services_ask_little(system: System, own_redis: RedisServer) -> None:
    """All three together, with nothing to do: no walk through the keys, and no busy looking."""
    await system.processor.log.until("gateway_connected")

    seen = await watch(own_redis, seconds=WATCHED_SECONDS)

    assert walks(seen) == []
    assert len(sent(seen)) <= 8 * WATCHED_SECONDS, Counter(words[0] for words in sent(seen))


async def test_an_idle_worker_sends_at_most_a_command_a_second(system: System, own_redis: RedisServer) -> None:
    """Its wait, the lease's renewal and its reports, all together."""
    await asyncio.gather(*(service.kill() for service in system.services if service is not system.processor))

    seen = sent(await watch(own_redis, seconds=WATCHED_SECONDS))

    assert len(seen) <= WATCHED_SECONDS + 2, Counter(tuple(words[:2]) for words in seen)
