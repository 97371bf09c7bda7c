"""The stream of audit records, and the board of components."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from event_queue.codec import encode_event
from event_queue.components import ComponentReport, ComponentState
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

AT_ONCE = timedelta(milliseconds=1)
NOW = datetime(2025, 6, 24, tzinfo=UTC)


async def fill(queue: RedisQueue, count: int) -> None:
    for number in range(count):
        await queue.intake.enqueue(make_event(f"DU{number}"))


async def test_records_are_read_in_order_after_an_id(queue: RedisQueue) -> None:
    """Reading continues behind the last record, in pages."""
    await fill(queue, 5)

    first = await queue.outbox.read("0-0", limit=3, block=AT_ONCE)
    rest = await queue.outbox.read(first[-1].stream_id, limit=3, block=AT_ONCE)

    assert [record.counter for record in (*first, *rest)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("limit", [2000, 2300, 2301, 5000])
async def test_many_records_are_read_with_commands_of_bounded_size(queue: RedisQueue, limit: int) -> None:
    """However many are asked for: all of them, in their order, and none twice."""
    body = encode_event(make_event())
    pipeline: Any = queue.client.pipeline(transaction=False)
    for number in range(1, 2302):
        entry = {"n": number, "kind": "queued", "event": body, "details": "{}", "due": ""}
        pipeline.xadd(queue.keys.outbox, entry, id=f"1-{number}")
    await pipeline.execute()

    records = await queue.outbox.read("0-0", limit=limit, block=AT_ONCE)

    assert [record.counter for record in records] == list(range(1, min(limit, 2301) + 1))


async def test_reading_an_empty_outbox_returns_nothing(queue: RedisQueue) -> None:
    """The wait ends without records when none come."""
    assert await queue.outbox.read("0-0", limit=10, block=AT_ONCE) == ()


async def test_trimming_drops_exactly_what_was_named(queue: RedisQueue) -> None:
    """Everything through the id goes, the next record stays, and trimming again changes nothing."""
    await fill(queue, 4)
    records = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)

    for _ in range(2):
        await queue.outbox.trim(records[1].stream_id)

    assert await queue.outbox.length() == 2
    assert list(await queue.outbox.read("0-0", limit=10, block=AT_ONCE)) == list(records[2:])


async def test_records_are_not_dropped_in_the_name_of_one_that_is_not_there(queue: RedisQueue) -> None:
    """Whoever read that one did so from another Redis, and has not stored these."""
    await fill(queue, 3)
    (*_, last) = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)

    await queue.outbox.trim(f"{last.stream_id}9")

    assert await queue.outbox.length() == 3


async def test_the_counter_goes_on_after_a_trim(queue: RedisQueue) -> None:
    """Records are numbered without gaps, whatever was trimmed."""
    await fill(queue, 2)
    (*_, last) = await queue.outbox.read("0-0", limit=10, block=AT_ONCE)
    await queue.outbox.trim(last.stream_id)

    await queue.intake.enqueue(make_event("DU9"))

    (record,) = await queue.outbox.read(last.stream_id, limit=10, block=AT_ONCE)
    assert record.counter == 3


async def test_the_board_shows_the_latest_report_of_each_part(queue: RedisQueue) -> None:
    """A new report replaces the part's last and leaves the others."""
    reports = [
        ComponentReport("gateway", ComponentState.DOWN, "no session", {"port": 4002}, NOW),
        ComponentReport("ably", ComponentState.OK, "2 channels", {"channels": ["a", "b"]}, NOW),
        ComponentReport("gateway", ComponentState.OK, "connected", {}, NOW + AT_ONCE),
    ]

    for report in reports:
        await queue.components.report(report)

    assert dict(await queue.components.read()) == {"ably": reports[1], "gateway": reports[2]}


async def test_each_process_that_speaks_of_a_part_has_its_own_report(queue: RedisQueue) -> None:
    """A new report replaces the last of the same process; read as one, the latest stands for the part."""
    first = ComponentReport("ably", ComponentState.OK, "", {}, NOW, "a:1")
    second, again = replace(first, process="b:2", reported_at=NOW + AT_ONCE), replace(first, detail="again")

    for report in (first, second, again):
        await queue.components.report(report)

    assert sorted(await queue.components.read_each(), key=lambda report: report.process) == [again, second]
    assert await queue.components.read() == {"ably": second}


async def test_what_a_bygone_process_said_is_removed_by_one_that_speaks(queue: RedisQueue) -> None:
    """After a minute of silence by Redis's clock; else each restart would leave a report behind."""
    client: Any = queue.client
    for process in ("old:1", "young:1"):
        await queue.components.report(ComponentReport("ably", ComponentState.OK, "", {}, NOW, process))
    said = await client.hget(queue.keys.components, "ably old:1")
    posted = said.rpartition(":")[2].rstrip("}")
    await client.hset(queue.keys.components, "ably old:1", said.replace(posted, str(int(posted) - 61_000)))

    await queue.components.report(ComponentReport("ably", ComponentState.OK, "", {}, NOW, "new:1"))

    assert sorted(report.process for report in await queue.components.read_each()) == ["new:1", "young:1"]


async def test_a_report_wakes_up_who_follows(queue: RedisQueue) -> None:
    """From the entry on nothing is missed, and silence ends with the time that one is willing to wait."""
    report = ComponentReport("relay", ComponentState.OK, "", {}, datetime(2025, 6, 24, tzinfo=UTC))
    loop = asyncio.get_running_loop()

    async with queue.components.following() as next_report:
        began = loop.time()
        await queue.components.report(report)
        await next_report(60.0)
        heard_after = loop.time() - began
        await next_report(0.01)

    assert heard_after < 30
