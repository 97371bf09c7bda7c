"""Lost replies, a full Redis, a killed Redis, forgotten scripts, keys of strangers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import CorruptQueue, QueueFull, QueueUnavailable, TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.outcomes import EVERY_ACCOUNT, Deleted, LastTrade, Lease, Pause, Queued
from event_queue.redis_queue import RedisAddress, RedisQueue, open_redis
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from event_queue.testing.lossy_proxy import LossyProxy
from event_queue.testing.redis_server import RedisServer

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
NO_PAUSE = timedelta()
NOW = datetime(2025, 6, 24, tzinfo=UTC)
Ending = Callable[[RedisQueue, Lease, RebalanceEvent], Awaitable[object]]

ENDINGS: dict[str, Ending] = {
    "complete": lambda queue, lease, event: queue.worker.complete(lease, "0", event, result={}, claim_next=True),
    "skip": lambda queue, lease, event: queue.worker.skip(lease, "0", event, result={}, claim_next=True),
    "requeue": lambda queue, lease, event: queue.worker.requeue(lease, "0", event, pause=NO_PAUSE, error="", result={}),
    "pause": lambda queue, lease, event: queue.worker.requeue(lease, "0", event, pause=MINUTE, error="", result={}),
    "delay": lambda queue, lease, event: queue.worker.delay(lease, "0", event, until=NOW, reason=""),
    "record": lambda queue, lease, event: queue.worker.record(
        lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"}
    ),
    "record_fill": lambda queue, lease, event: queue.worker.record_fill(
        lease, event.event_id, "DU1", {"exec_id": "1"}, trading_day=NOW.date()
    ),
    "park": lambda queue, lease, event: queue.worker.park(lease, "0", event, reason=""),
    "pause_trading": lambda queue, _, __: queue.trading.pause("DU9", actor="ops", reason="news"),
    "recover": lambda queue, lease, _: queue.worker.recover(lease, repeat_pause=NO_PAUSE),
    "claim": lambda queue, lease, _: queue.worker.claim(lease, "0"),
}


async def take_lease(queue: RedisQueue, holder: str = "worker-a") -> Lease:
    return await lead(queue.worker, holder)


async def test_an_enqueue_whose_reply_is_lost_is_no_duplicate_of_itself(
    far_queue: RedisQueue, proxy: LossyProxy
) -> None:
    """The client asks again and learns that its own event was queued, once."""
    proxy.lose_next_reply()

    outcome = await far_queue.intake.enqueue(event := make_event())

    assert outcome == Queued(event)
    assert proxy.lost == 1
    status = await far_queue.admin.status()
    assert (status.queue_length, status.outbox_length) == (1, 1)


@pytest.mark.parametrize("name", ENDINGS)
async def test_a_step_whose_reply_is_lost_happens_once(
    redis_queue: RedisQueue, far_queue: RedisQueue, proxy: LossyProxy, name: str
) -> None:
    """With and without the loss, the answer and the state are the same."""
    events = [make_event("DU1"), make_event("DU2")]

    async def story(queue: RedisQueue, *, lossy: bool) -> tuple[object, int, int]:
        lease = await take_lease(redis_queue)
        for event in events:
            await redis_queue.intake.enqueue(event)
        held = events[0]
        if name != "claim":
            assert await redis_queue.worker.claim(lease, "0") == held
        if lossy:
            proxy.lose_next_reply()
        answer = _without_moment(await ENDINGS[name](queue, lease, held))
        status = await redis_queue.admin.status()
        return answer, status.outbox_length, status.active_events_count

    expected = await story(redis_queue, lossy=False)
    await redis_queue.client.flushall()

    assert await story(far_queue, lossy=True) == expected
    assert proxy.lost == 1


def _without_moment(answer: object) -> object:
    return replace(answer, since=NOW) if isinstance(answer, Pause) else answer


async def test_a_full_redis_takes_nothing_in_and_lets_work_end(own_queue: RedisQueue) -> None:
    """At the memory limit a new event is refused whole; everything that finishes or frees still works."""
    queue = own_queue
    events = [make_event(f"DU{number}") for number in range(4)]
    for event in events:
        await queue.intake.enqueue(event)
    await queue.client.config_set("maxmemory", "1")
    before = await dump_all(queue.client)

    with pytest.raises(QueueFull):
        await queue.intake.enqueue(make_event("new"))

    assert await dump_all(queue.client) == before
    lease = await take_lease(queue)
    assert await queue.worker.claim(lease, "0") == events[0]
    await queue.worker.record(lease, "0", events[0], AuditKind.FILL, {})
    assert await queue.worker.complete(lease, "0", events[0], result={}, claim_next=True) == events[1]
    await queue.worker.requeue(lease, "0", events[1], pause=MINUTE, error="", result={})
    assert await queue.worker.claim(lease, "0") == events[2]
    await queue.worker.delay(lease, "0", events[2], until=NOW, reason="")
    assert await queue.worker.claim(lease, "0") == events[3]
    await queue.worker.recover(lease, repeat_pause=NO_PAUSE)
    await queue.components.report(ComponentReport("redis", ComponentState.DEGRADED, "full", {}, NOW))
    assert isinstance(await queue.admin.delete(events[3].event_id, actor="test"), Deleted)
    assert (await queue.admin.status()).active_events_count == 2


async def test_trading_can_be_stopped_at_the_memory_limit(own_queue: RedisQueue) -> None:
    """A full Redis does not keep orders going out: the switch works, both ways, and so do the records behind it."""
    queue = own_queue
    await queue.intake.enqueue(event := make_event("DU1"))
    lease = await take_lease(queue)
    await queue.worker.claim(lease, "0")
    await queue.client.config_set("maxmemory", "1")

    await queue.worker.record_fill(lease, event.event_id, "DU1", {}, trading_day=NOW.date())
    await queue.trading.pause("DU1", actor="ops", reason="news")
    await queue.trading.pause(EVERY_ACCOUNT, actor="ops", reason="news")
    with pytest.raises(TradingPaused):
        await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {})
    await queue.worker.park(lease, "0", event, reason="news")
    for scope in ("DU1", EVERY_ACCOUNT):
        await queue.trading.resume(scope, actor="ops")

    assert await queue.worker.claim(lease, "0") == event
    assert await queue.worker.last_traded("DU1") == LastTrade(NOW.date(), event.event_id)


async def test_a_resumption_whose_reply_is_lost_tells_what_it_lifted(
    redis_queue: RedisQueue, far_queue: RedisQueue, proxy: LossyProxy
) -> None:
    """The repetition finds nothing paused, and answers as the first did all the same."""
    pause = await redis_queue.trading.pause("DU1", actor="ops", reason="news")
    proxy.lose_next_reply()

    assert await far_queue.trading.resume("DU1", actor="ops") == pause
    assert proxy.lost == 1


async def test_a_killed_redis_comes_back_with_everything(own_redis: RedisServer, own_queue: RedisQueue) -> None:
    """Acknowledged events, what was in hand and the audit survive SIGKILL; meanwhile the error says to try again."""
    lease = await take_lease(own_queue)
    for number in range(20):
        await own_queue.intake.enqueue(make_event(f"DU{number}"))
    held = await own_queue.worker.claim(lease, "0")
    before = await dump_all(own_queue.client)

    own_redis.kill()
    with pytest.raises(QueueUnavailable):
        await own_queue.admin.ping()
    own_redis.start()

    assert await dump_all(own_queue.client) == before
    assert await own_queue.worker.claim(lease, "0") == held


async def test_a_redis_killed_under_load_loses_no_acknowledged_event(
    own_redis: RedisServer, own_queue: RedisQueue
) -> None:
    """Whatever moment the kill hits, every event that was answered for is there, and the counter has no gap."""
    acknowledged: list[RebalanceEvent] = []

    async def produce() -> None:
        for number in range(100_000):
            outcome = await own_queue.intake.enqueue(make_event(f"DU{number}"))
            assert isinstance(outcome, Queued)
            acknowledged.append(outcome.event)
            if len(acknowledged) == 200:
                own_redis.kill()

    with pytest.raises(QueueUnavailable):
        await produce()
    own_redis.start()

    living = {entry.event.event_id for entry in await own_queue.admin.list_events(1000)}
    assert {event.event_id for event in acknowledged} <= living
    records = await own_queue.outbox.read("0-0", limit=1000, block=timedelta(milliseconds=1))
    assert [record.counter for record in records] == list(range(1, len(living) + 1))


async def test_a_silent_redis_is_given_up_on() -> None:
    """A server that accepts and never answers costs three times the patience for one answer, not for ever."""
    async with asyncio.timeout(5):
        connected: list[asyncio.StreamWriter] = []
        silent = await asyncio.start_server(lambda _, writer: connected.append(writer), "127.0.0.1", 0)
        address = RedisAddress(host="127.0.0.1", port=silent.sockets[0].getsockname()[1])
        async with open_redis(address, answer=timedelta(milliseconds=50)) as queue:
            with pytest.raises(QueueUnavailable):
                await queue.intake.enqueue(make_event())
        for writer in connected:
            writer.close()
        silent.close()

    assert connected


async def test_forgotten_scripts_are_loaded_again(redis_queue: RedisQueue) -> None:
    """A Redis that has lost its script cache is not noticed."""
    await redis_queue.client.script_flush()

    assert isinstance(await redis_queue.intake.enqueue(make_event()), Queued)


async def test_a_key_of_another_type_is_an_operators_matter(redis_queue: RedisQueue) -> None:
    """A script that meets a stranger's key raises CorruptQueue, not something that invites repetition."""
    await redis_queue.client.set(redis_queue.keys.active, "x")

    with pytest.raises(CorruptQueue):
        await redis_queue.intake.enqueue(make_event())


async def test_a_redis_that_cannot_write_is_unavailable(own_queue: RedisQueue) -> None:
    """A replica refuses writes for now: keep the event and try again."""
    await own_queue.client.execute_command("REPLICAOF", "127.0.0.1", "1")

    with pytest.raises(QueueUnavailable):
        await own_queue.intake.enqueue(make_event())


async def test_a_cancelled_call_leaves_no_reply_for_the_next(redis_queue: RedisQueue) -> None:
    """Calls cancelled at any moment never make a later call read another's answer."""
    for delay in range(30):
        event = make_event(f"DU{delay}")
        call = asyncio.create_task(redis_queue.intake.enqueue(event))
        for _ in range(delay):
            await asyncio.sleep(0)  # noqa: TID251 - lets the call get that many steps far
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

        assert await redis_queue.intake.enqueue(event) == Queued(event)


SETTINGS: list[tuple[str, str, str]] = [
    ("appendonly", "no", "appendonly=no"),
    ("appendfsync", "everysec", "appendfsync=everysec"),
    ("no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite=yes"),
    ("maxmemory-policy", "allkeys-lru", "maxmemory-policy=allkeys-lru"),
]


@pytest.mark.parametrize(("name", "value", "words"), SETTINGS)
async def test_a_setting_that_may_lose_events_is_told(own_queue: RedisQueue, name: str, value: str, words: str) -> None:
    """A durable Redis gives no warning; each dangerous setting gives one that names it."""
    silent = (await own_queue.admin.condition()).dangers
    await own_queue.client.config_set(name, value)

    (warning,) = (await own_queue.admin.condition()).dangers

    assert list(silent) == []
    assert words in warning


async def test_a_redis_that_refuses_writes_is_told_by_its_state(own_queue: RedisQueue, own_redis: RedisServer) -> None:
    """A replica, one that lacks its replicas, one whose snapshots fail: told while it lasts, and readable all along."""
    redis: Any = own_queue.client
    refusals: list[Sequence[str]] = []

    async def look() -> None:
        refusals.append((await own_queue.admin.condition()).refusals)
        await own_queue.admin.status()

    await redis.replicaof("127.0.0.1", 1)
    await look()
    await redis.replicaof("NO", "ONE")
    await redis.config_set("min-replicas-to-write", 1)
    await look()
    await redis.config_set("min-replicas-to-write", 0)
    await _fail_a_snapshot(redis, own_redis)
    await look()
    await redis.config_set("stop-writes-on-bgsave-error", "no")
    await look()

    words = [" ".join(told) for told in refusals]
    assert "read-only replica" in words[0]
    assert "only 0 of the replicas" in words[1]
    assert "rdb_last_bgsave_status=err" in words[2]
    assert words[3] == ""


async def _fail_a_snapshot(redis: Any, server: RedisServer) -> None:
    """A directory lies where the file belongs."""
    (server.directory / "in-the-way").mkdir()
    await redis.config_set("dbfilename", "in-the-way")
    await redis.config_set("save", "3600 1")
    await redis.bgsave()
    async with asyncio.timeout(30):
        while (await redis.info("persistence"))["rdb_last_bgsave_status"] == "ok":
            pass


async def test_hidden_settings_are_told_too(own_queue: RedisQueue) -> None:
    """A Redis that does not let its settings be read is reported as such, with what shows of them all the same."""
    await own_queue.client.execute_command("ACL", "SETUSER", "default", "-config")
    (hidden,) = (await own_queue.admin.condition()).dangers
    await own_queue.client.execute_command("ACL", "SETUSER", "default", "+config")
    await own_queue.client.config_set("appendonly", "no")
    await own_queue.client.config_set("maxmemory-policy", "volatile-ttl")
    await own_queue.client.execute_command("ACL", "SETUSER", "default", "-config")

    forgetful, evicting, _ = (await own_queue.admin.condition()).dangers

    assert "does not let its settings be read" in hidden
    assert "appendonly=no" in forgetful
    assert "maxmemory-policy=volatile-ttl" in evicting


async def test_a_redis_that_tells_nothing_is_not_taken_for_safe(own_queue: RedisQueue) -> None:
    """Every setting is named, to be checked by hand; and without its state no event is taken in."""
    await own_queue.client.execute_command("ACL", "SETUSER", "default", "-config", "-info")

    condition = await own_queue.admin.condition()

    (warning,) = condition.dangers
    assert all(name in warning for name, _, _ in SETTINGS)
    (refusal,) = condition.refusals
    assert "may not ask INFO" in refusal
