"""The service as a process, with real Redis, real PostgreSQL and a simulated Ably."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from event_broker.testing.broker_process import BrokerProcess, running_broker
from event_queue.components import ComponentReport, ComponentState
from event_queue.progress import Progress
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.redis_server import RedisServer, running_redis
from event_queue.testing.server_process import free_port
from sandbox.ably import AblyServer
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

CHANNELS = [f"strategy-{number}" for number in range(20)]
Start = Callable[..., AbstractAsyncContextManager[BrokerProcess]]


@pytest.fixture
def redis() -> Any:
    """A Redis of one's own that tells of changed keys."""
    with running_redis(notify_keyspace_events="KEA") as server:
        yield server


@pytest.fixture
async def queue(redis: RedisServer) -> AsyncIterator[RedisQueue]:
    """The queue as the other services see it."""
    async with open_redis(redis.address) as opened:
        yield opened


@pytest.fixture
def start(redis: RedisServer, postgres_dsn: str, ably: AblyServer, tmp_path: Path) -> Start:
    """Start the service with one account on each channel; arguments override its environment."""
    entries = [f"- account_id: DU{n}\n  notification: {{channel: {name}}}\n" for n, name in enumerate(CHANNELS)]
    (tmp_path / "accounts.yaml").write_text("".join(entries), encoding="utf-8")
    database = urlsplit(postgres_dsn)
    environ = {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis.port),
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": str(database.port),
        "POSTGRES_DATABASE": database.path.lstrip("/"),
        "ABLY_ENDPOINT": ably.endpoint,
        "ABLY_TLS": "false",
        "ABLY_API_KEY": ably.key,
    }

    def run(**overrides: str) -> AbstractAsyncContextManager[BrokerProcess]:
        return running_broker(tmp_path, {name: value for name, value in (environ | overrides).items() if value})

    return run


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


async def all_attached(ably: AblyServer) -> None:
    """Wait until every channel has its listener."""
    async with asyncio.timeout(30):
        for channel in CHANNELS:
            await ably.wait_attached(channel)


async def wait_report(
    queue: RedisQueue, name: str, wanted: Callable[[ComponentReport], bool], *, within: float = 30
) -> ComponentReport:
    """The service's report about a part, once it is as wanted."""
    client: Any = queue.client
    async with asyncio.timeout(within), client.pubsub() as changes:
        await changes.subscribe(f"__keyspace@0__:{queue.keys.components}")
        while True:
            await changes.get_message(timeout=within)
            report = (await queue.components.read()).get(name)
            if report is not None and wanted(report):
                return report


def heard(log: list[dict[str, Any]]) -> set[str]:
    """Accounts whose message was dealt with."""
    return {line["account_id"] for line in log if line["event"] in {"event_queued", "message_already_seen"}}


def refused(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Offers that the queue did not take."""
    return [line for line in log if line["event"] == "intake_refused"]


async def test_a_signal_reaches_the_queue_and_its_record_the_audit(
    ably: AblyServer, queue: RedisQueue, start: Start, postgres_dsn: str
) -> None:
    """One message: one event in Redis, one row in PostgreSQL, two good reports, and a quick goodbye."""
    driver: Any = asyncpg
    database = await driver.connect(postgres_dsn)
    rows: asyncio.Queue[str] = asyncio.Queue()
    await database.execute(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_notify('rows', NEW.kind::text); RETURN NEW; END $$;"
        "CREATE TRIGGER tell AFTER INSERT ON event_history FOR EACH ROW EXECUTE FUNCTION tell()"
    )

    def note(_connection: object, _pid: int, _channel: str, kind: str) -> None:
        rows.put_nowait(kind)

    await database.add_listener("rows", note)

    async with start() as broker:
        await all_attached(ably)
        ably.publish(CHANNELS[3], {"exec": "rebalance"})
        async with asyncio.timeout(20):
            kind = await rows.get()
        report = await wait_report(queue, "ably", lambda report: report.state is ComponentState.OK)
        relay = await wait_report(queue, "relay", lambda report: report.facts["stored"] == 1)
        code = await broker.terminate()

    [living] = await queue.admin.list_events(10)
    await database.close()
    assert kind == "queued"
    assert (living.event.account_id, living.event.exec_command, living.event.source) == ("DU3", "rebalance", "ably")
    assert report.facts["connection"] == "connected"
    assert (relay.state, relay.facts["lag_records"]) == (ComponentState.OK, 0)
    assert code == 0
    troubles = {line["event"] for line in broker.log if line["level"] in {"warning", "error"}}
    assert troubles <= {"postgres_not_durable"}, "the tests' PostgreSQL runs without fsync, which is told"


async def test_kill_9_loses_nothing_and_repeats_nothing(ably: AblyServer, queue: RedisQueue, start: Start) -> None:
    """Messages before, at and after a crash each become exactly one event."""
    async with start() as first:
        await all_attached(ably)
        for channel in CHANNELS[:10]:
            ably.publish(channel, {"exec": "rebalance"})
        await first.wait_log(lambda log: len(heard(log)) >= 3)
        await first.kill()
    for channel in CHANNELS[10:]:
        ably.publish(channel, {"exec": "rebalance"})

    async with start() as second:
        await second.wait_log(lambda log: len(heard(log)) == len(CHANNELS))
        assert await second.terminate() == 0

    living = await queue.admin.list_events(100)
    records = Counter(line["event"] for line in first.log + second.log)
    assert sorted(each.event.account_id for each in living) == sorted(f"DU{n}" for n in range(20))
    assert records["event_duplicate"] == 0
    assert (await queue.admin.status()).queue_length == len(CHANNELS)


async def test_kill_9_and_an_absence_longer_than_the_rewind_lose_nothing(queue: RedisQueue, start: Start) -> None:
    """What was published while nobody ran is read from the history, once, and told as no gap."""
    moved = timedelta()

    def ably_time() -> float:
        return (SystemClock().now() + moved).timestamp()

    async with AblyServer(clock=ably_time) as ably:
        where = {"ABLY_ENDPOINT": ably.endpoint, "ABLY_API_KEY": ably.key, "ABLY_REWIND": "20s"}
        async with start(**where) as first:
            await first.wait_events("channel_attached", len(CHANNELS))
            await first.wait_events("progress_loaded")
            for channel in CHANNELS[:10]:
                ably.publish(channel, {"exec": "rebalance"})
            await first.wait_log(lambda log: len(heard(log)) >= 3)
            await first.kill()
        for channel in CHANNELS[10:]:
            ably.publish(channel, {"exec": "rebalance"})
        moved = timedelta(seconds=60)

        async with start(**where) as second:
            await second.wait_log(lambda log: len(heard(log)) == len(CHANNELS))
            assert await second.terminate() == 0

    living = await queue.admin.list_events(100)
    assert sorted(each.event.account_id for each in living) == sorted(f"DU{n}" for n in range(20))
    told = Counter(line["event"] for line in first.log + second.log)
    assert (told["event_duplicate"], told["signals_may_be_missed"]) == (0, 0)


async def test_a_restart_after_an_absence_beyond_the_history_is_told(
    ably: AblyServer, queue: RedisQueue, start: Start
) -> None:
    """The log and the report name the channel and the time, and the next start still knows it."""
    now = SystemClock().now()
    yesterday = Progress(now - timedelta(days=1), "long-gone", now - timedelta(days=2))
    await queue.progress.write({CHANNELS[0]: yesterday})
    async with start() as first:
        [missed] = await first.wait_events("signals_may_be_missed")
        report = await wait_report(queue, "ably", lambda report: CHANNELS[0] in report.facts["gaps"])
        assert await first.terminate() == 0
    async with start() as second:
        again = await wait_report(
            queue,
            "ably",
            lambda later: later.reported_at > report.reported_at and CHANNELS[0] in later.facts["gaps"],
        )
        assert await second.terminate() == 0

    assert missed["channel"] == CHANNELS[0]
    assert missed["since"] == yesterday.heard_until.isoformat()
    assert report.state is again.state is ComponentState.DEGRADED
    assert again.facts["gaps"] == report.facts["gaps"]
    assert ably.attached(CHANNELS[0]) == 0


async def test_signals_outlive_an_outage_of_redis(
    ably: AblyServer, redis: RedisServer, queue: RedisQueue, start: Start
) -> None:
    """While Redis is away signals are kept, in order; when it is back each is queued once."""
    async with start() as broker:
        await broker.wait_events("channel_attached", len(CHANNELS))
        await broker.wait_events("progress_loaded")
        redis.kill()
        ably.publish(CHANNELS[0], {"exec": "rebalance", "number": 1})
        ably.publish(CHANNELS[0], {"exec": "rebalance", "number": 2})
        await broker.wait_events("intake_refused")
        redis.start()
        [line] = await broker.wait_events("event_queued")
        await broker.wait_events("event_duplicate")

        [living] = await queue.admin.list_events(10)
        assert living.event.data["number"] == 1
        assert line["event_id"] == str(living.event.event_id)
        assert await broker.terminate() == 0


async def test_kill_9_while_redis_is_away_loses_nothing(
    redis: RedisServer, queue: RedisQueue, start: Start, tmp_path: Path
) -> None:
    """What Redis could not take is on disk, and is queued by the next process although Ably has forgotten it."""
    async with AblyServer() as ably, start(ABLY_ENDPOINT=ably.endpoint, ABLY_API_KEY=ably.key) as broker:
        await broker.wait_events("channel_attached", len(CHANNELS))
        await broker.wait_events("progress_loaded")
        redis.kill()
        for channel in CHANNELS:
            ably.publish(channel, {"exec": "rebalance", "on": channel})
        await broker.wait_events("signals_put_on_disk", len(CHANNELS))
        await broker.kill()

    async with AblyServer() as forgetful, start(ABLY_ENDPOINT=forgetful.endpoint, ABLY_API_KEY=forgetful.key) as again:
        await again.wait_events("signals_found_on_disk", len(CHANNELS))
        redis.start()
        queued = await again.wait_events("event_queued", len(CHANNELS))
        await again.wait_events("channel_attached", len(CHANNELS))
        living = await queue.admin.list_events(100)
        code = await again.terminate()

    assert sorted(str(each.event.data["on"]) for each in living) == sorted(CHANNELS)
    assert len(queued) == len(CHANNELS)
    assert code == 0
    assert names(tmp_path / "data" / "signal-spool") == [".lock"]


async def test_a_rolling_restart_while_redis_is_away_loses_nothing(
    redis: RedisServer, queue: RedisQueue, start: Start, tmp_path: Path
) -> None:
    """The new process runs before the old one ends, and finds what that one saves last, although Ably forgot it."""
    async with (
        AblyServer() as forgetful,
        AblyServer() as ably,
        start(ABLY_ENDPOINT=ably.endpoint, ABLY_API_KEY=ably.key) as old,
    ):
        await old.wait_events("channel_attached", len(CHANNELS))
        await old.wait_events("progress_loaded")
        redis.kill()
        ably.publish(CHANNELS[0], {"exec": "rebalance", "on": CHANNELS[0]})
        await old.wait_events("signals_put_on_disk")
        async with start(ABLY_ENDPOINT=forgetful.endpoint, ABLY_API_KEY=forgetful.key) as new:
            [without] = await new.wait_events("signals_not_on_disk")
            ably.publish(CHANNELS[1], {"exec": "rebalance", "on": CHANNELS[1]})
            await old.wait_log(lambda log: any(line.get("channel") == CHANNELS[1] for line in refused(log)))
            old_code = await old.terminate()
            await new.wait_events("signals_found_on_disk", 2)
            redis.start()
            await new.wait_events("event_queued", 2)
            living = await queue.admin.list_events(10)
            code = await new.terminate()

    assert "another process uses it" in without["reason"]
    assert sorted(str(each.event.data["on"]) for each in living) == sorted(CHANNELS[:2])
    assert (old_code, code) == (0, 0)
    assert names(tmp_path / "data" / "signal-spool") == [".lock"]


async def test_two_event_brokers_speak_of_ably_beside_each_other(queue: RedisQueue, start: Start) -> None:
    """As in a rolling restart: neither overwrites what the other says."""
    speakers: set[str] = set()
    async with start() as one, start() as other, queue.components.following() as next_report:
        async with asyncio.timeout(30):
            while len(speakers) < 2:
                await next_report(30)
                speakers = {each.process for each in await queue.components.read_each() if each.name == "ably"}
        codes = (await one.terminate(), await other.terminate())

    assert codes == (0, 0)
    assert all(process.rpartition(":")[2].isdecimal() for process in speakers)


async def test_postgres_away_stops_nothing(ably: AblyServer, queue: RedisQueue, start: Start) -> None:
    """Without PostgreSQL signals are queued all the same, and the relay says what that means."""
    async with start(POSTGRES_PORT=str(free_port())) as broker:
        await all_attached(ably)
        ably.publish(CHANNELS[0], {"exec": "rebalance"})
        await broker.wait_events("event_queued")
        report = await wait_report(queue, "relay", lambda report: report.facts["lag_records"] == 1)
        assert await broker.terminate() == 0

    assert report.state is ComponentState.DEGRADED
    assert "1 wait in Redis and are kept" in report.detail
    assert report.facts["failing_since"] is not None


async def test_without_a_key_the_service_runs_and_says_why_ably_is_down(queue: RedisQueue, start: Start) -> None:
    """The report and the log name the missing variable, and the relay is at work."""
    async with start(ABLY_API_KEY="") as broker:
        report = await wait_report(queue, "ably", lambda _: True)
        await wait_report(queue, "relay", lambda report: report.state is ComponentState.OK)
        assert await broker.terminate() == 0

    assert report.state is ComponentState.DOWN
    assert "ABLY_API_KEY" in report.detail
    assert [line["event"] for line in broker.log if line["level"] == "error"] == ["ably_not_connected"]


async def test_a_refused_key_is_in_the_report_and_nowhere_in_the_log(
    ably: AblyServer, queue: RedisQueue, start: Start
) -> None:
    """The health words name Ably's code; the secret appears in no line, not even at DEBUG."""
    ably.revoke_key(ably.key)
    async with start(LOG_LEVEL="DEBUG") as broker:
        report = await wait_report(queue, "ably", lambda report: report.state is ComponentState.DOWN)
        assert await broker.terminate() == 0

    assert "Ably refused the key: 40101" in report.detail
    assert "secret-1" not in str(broker.log)
    assert "secret-1" not in str(report)


async def test_live_accounts_are_never_queued_in_paper_mode(
    ably: AblyServer, queue: RedisQueue, start: Start, tmp_path: Path
) -> None:
    """The refusal is an error in the log and a sentence in the report; its channel is not even attached."""
    accounts = "- account_id: DU1\n  notification: {channel: a}\n- account_id: U2\n  notification: {channel: b}\n"
    (tmp_path / "accounts.yaml").write_text(accounts, encoding="utf-8")
    async with start() as broker:
        report = await wait_report(queue, "ably", lambda report: report.facts["channels"] == {"a": "attached"})
        [refusal] = await broker.wait_events("account_refused")
        assert await broker.terminate() == 0

    assert refusal["account_id"] == "U2"
    assert report.state is ComponentState.DEGRADED
    assert "account U2 are ignored" in report.detail
    assert ably.attached("b") == 0


async def test_a_trigger_file_is_queued_and_deleted(queue: RedisQueue, start: Start, tmp_path: Path) -> None:
    """Without Ably too: the folder is made, the file becomes an event, and the report names it."""
    async with start(ABLY_API_KEY="") as broker:
        await wait_report(queue, "manual_files", lambda report: report.state is ComponentState.OK)
        folder = tmp_path / "data" / "manual-rebalance"
        document = folder / ".one.json"
        document.write_text('{"account_id": "DU3", "exec": "rebalance"}', encoding="utf-8")
        document.rename(folder / "one.json")
        [line] = await broker.wait_events("event_queued")
        report = await wait_report(queue, "manual_files", lambda report: report.facts["last_file"] is not None)
        assert await broker.terminate() == 0

    [living] = await queue.admin.list_events(10)
    assert (living.event.account_id, living.event.source) == ("DU3", "file")
    assert line["file"] == report.facts["last_file"]["name"] == "one.json"
    assert names(folder) == []
