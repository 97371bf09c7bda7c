"""What Redis keeps for a while comes back from history: a message told again after a loss is no second event."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import QueueClosed, QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.keepsakes import KeptCounts
from event_queue.mender import Mender
from event_queue.one_past import Verdict
from event_queue.outcomes import AlreadySeen, Lease, Queued
from event_queue.postgres_audit import PostgresAudit
from event_queue.progress import Progress
from event_queue.receipts import FILL_LIFE, RECEIPT_LIFE, Keepsake
from event_queue.redis_mending import RedisMending
from event_queue.redis_queue import RedisQueue
from event_queue.script_files import load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry, copy_of, go_back
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
DAY = date(2025, 6, 24)
SENT = datetime(2025, 6, 24, 14, 29, 58, 500000, tzinfo=UTC)
CLOCK = SystemClock()
TRADE = {"symbol": "ÄÖ", "side": "BUY", "quantity": "10"}
ORDER = {**TRADE, "order_type": "MOC", "limit_price": None, "time_in_force": "DAY", "reason": None}
RESULT = {
    **ORDER,
    "status": "SUBMITTED",
    "filled_quantity": "0",
    "average_price": None,
    "commission": None,
    "message": None,
}
FILL = {
    **TRADE,
    "exec_id": "e1",
    "order_ref": "x",
    "price": "1.50",
    "commission": None,
    "executed_at": SENT - timedelta(days=1),
}


@pytest.fixture
def mender(redis_queue: RedisQueue, audit: PostgresAudit) -> Mender:
    """What puts the queue right."""
    return Mender(redis_queue.mending, audit.past)


def message(number: int, channel: str = "growth") -> InboundMessage:
    return InboundMessage(channel, f"m:{number}", SENT + timedelta(seconds=number))


async def kept(queue: RedisQueue) -> Mapping[str, tuple[str, int]]:
    """What lives for a while, but for the receipts of single requests: its value and the ms left of its life."""
    client, keys = queue.client, queue.keys
    names: list[str] = [
        *await client.keys(f"{keys.receipts}:message:*"),
        *await client.keys(f"{keys.receipts}:event:*"),
        *await client.keys(f"{keys.traded_events}:*"),
    ]
    return {name: (await client.get(name), await client.pttl(name)) for name in names}


async def past_with_everything(queue: RedisQueue) -> tuple[Lease, Sequence[RebalanceEvent]]:
    """A message completed after trading, one in work, one refused as a twin, one remembered; a file; a fill."""
    done, held, twin, newer, file = (make_event(name) for name in ("done", "held", "done", "held", "file"))
    worker, intake = queue.worker, queue.intake
    await intake.enqueue(done, message=message(1))
    await intake.enqueue(twin, message=message(2))
    await intake.enqueue(held, message=InboundMessage("growth", "no \x00 text \udc80", None))
    lease = await worker.acquire_lease("a", ttl=HOUR)
    assert isinstance(lease, Lease)
    await worker.claim(lease, "0")
    await worker.record(lease, "0", done, AuditKind.ORDER_INTENT, {**ORDER, "order_ref": "x"})
    await worker.record(lease, "0", done, AuditKind.ORDER_INTENT, {**ORDER, "order_ref": "y"})
    await worker.record(lease, "0", done, AuditKind.ORDER_RESULT, {**RESULT, "order_ref": "y"}, trading_day=DAY)
    await worker.record_fill(lease, done.event_id, "done", FILL, trading_day=DAY - timedelta(days=1))
    await worker.complete(lease, "0", done, result={}, claim_next=True)
    await intake.enqueue(newer, message=message(3, "income"), remember_while_in_flight=True)
    await intake.enqueue(file)
    return lease, (done, held, twin, newer, file)


async def retold(queue: RedisQueue) -> list[object]:
    """What the queue answers when each message is told once more, as another event."""
    odd = InboundMessage("growth", "no \x00 text \udc80")
    told = (("done", message(1)), ("done", message(2)), ("held", odd), ("held", message(3, "income")))
    return [await queue.intake.enqueue(make_event(name), message=each) for name, each in told]


async def test_all_that_was_kept_for_a_while_is_back(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """The same names, the same words, the same end of life; nothing that is told again is taken in."""
    _, events = await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    before = await kept(redis_queue)

    await go_back(redis_queue.client, {})
    await mender.mend()

    after = await kept(redis_queue)
    assert {name: words for name, (words, _) in after.items()} == {name: words for name, (words, _) in before.items()}
    assert all(abs(left - after[name][1]) < 60_000 for name, (_, left) in before.items())
    assert len(before) == 6
    answers = await retold(redis_queue)
    assert all(isinstance(answer, AlreadySeen) for answer in answers)
    assert await redis_queue.intake.enqueue(events[-1]) == Queued(events[-1])
    assert {each.event.event_id for each in await redis_queue.admin.list_events(10)} == {
        events[1].event_id,
        events[-1].event_id,
    }


async def test_what_a_look_counts_is_what_comes_back(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Counted in the very pages that are given back, and nothing is changed by it."""
    await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    await go_back(redis_queue.client, {})

    shown = await mender.keepsakes.show()
    untouched = await redis_queue.client.dbsize()
    done = await mender.mend()
    names = await redis_queue.client.keys(f"{redis_queue.keys.receipts}:*")

    assert untouched == 0
    assert shown == done.kept
    assert shown == KeptCounts(message_receipts=4, event_receipts=1, fill_receipts=1, traded_events=1, channels=2)
    assert sum(":message:" in name for name in names) == shown.message_receipts
    assert {each.account_id for each in done.traded} == {"done"}


async def test_trading_days_and_executions_are_known_again(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """The day on which orders will fill stays expected; an execution told again is written down no second time."""
    _, events = await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    before = await redis_queue.worker.last_traded("done")

    await go_back(redis_queue.client, {})
    await mender.mend()
    lease = await redis_queue.worker.acquire_lease("b", ttl=HOUR)
    assert isinstance(lease, Lease)
    records = await redis_queue.outbox.length()
    is_known = await redis_queue.worker.record_fill(
        lease, events[0].event_id, "done", FILL, trading_day=DAY - timedelta(days=1)
    )

    assert before is not None
    assert (before.trading_day, before.is_expected) == (DAY, True)
    assert await redis_queue.worker.last_traded("done") == before
    assert is_known
    assert await redis_queue.outbox.length() == records
    late = {**FILL, "exec_id": "e2"}
    assert await redis_queue.worker.record_fill(lease, events[0].event_id, "done", late, trading_day=DAY)
    assert await redis_queue.outbox.length() == records + 1


async def test_of_an_execution_told_otherwise_the_last_word_comes_back(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """Told so again it is no news; told as it was before that, it is written down."""
    lease, events = await past_with_everything(redis_queue)
    paid = {**FILL, "commission": "1.05", "commission_currency": "USD"}
    corrected = {**paid, "replaces": ["e0"]}
    for told in (paid, corrected):
        await redis_queue.worker.record_fill(lease, events[0].event_id, "done", told, trading_day=DAY)
    await carry(redis_queue, audit)

    await go_back(redis_queue.client, {})
    assert (await mender.mend()).kept == KeptCounts(4, 1, fill_receipts=1, traded_events=1, channels=2)
    lease = await redis_queue.worker.acquire_lease("b", ttl=HOUR)
    assert isinstance(lease, Lease)
    lengths: list[int] = []
    for told in (corrected, {**corrected, "commission": None}, paid):
        await redis_queue.worker.record_fill(lease, events[0].event_id, "done", told, trading_day=DAY)
        lengths.append(await redis_queue.outbox.length())

    assert [length - lengths[0] for length in lengths] == [0, 0, 1]


async def test_channels_are_read_again_from_where_history_knows_them(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """What history was not told of is before the place to read from, and is taken in again, once."""
    await redis_queue.intake.enqueue(make_event("DU1"), message=message(1))
    await redis_queue.intake.enqueue(make_event("DU2"), message=message(2))
    await redis_queue.intake.enqueue(make_event("DU3"), message=InboundMessage("growth", "after a gap"))
    await carry(redis_queue, audit)
    await redis_queue.intake.enqueue(make_event("DU4"), message=message(4))
    await redis_queue.progress.write({name: Progress(CLOCK.now(), "m:4", SENT) for name in ("growth", "unknown")})

    await go_back(redis_queue.client, {})
    await redis_queue.progress.write({"growth": Progress(CLOCK.now(), "m:4", SENT)})
    await mender.mend()

    progress = await redis_queue.progress.read()
    assert {name: (each.message_id, each.message_at) for name, each in progress.items()} == {
        "growth": ("m:2", message(2).sent_at)
    }
    assert abs(progress["growth"].heard_until - CLOCK.now()) < timedelta(minutes=1)
    again = [
        await redis_queue.intake.enqueue(make_event(name), message=each)
        for name, each in (("DU2", message(2)), ("DU4", message(4)), ("DU4", message(4)))
    ]
    assert [type(answer) for answer in again] == [AlreadySeen, Queued, AlreadySeen]


async def test_a_redis_that_went_back_knows_messages_before_the_resync(
    redis_queue: RedisQueue, audit: PostgresAudit, mender: Mender
) -> None:
    """While trading is halted signals are taken in, but none that history knows; the resync changes nothing of it."""
    await redis_queue.intake.enqueue(make_event("DU1"), message=message(1))
    await redis_queue.progress.write({"quiet": Progress(SENT)})
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU2"), message=message(2))
    await carry(redis_queue, audit)

    await go_back(redis_queue.client, old)
    await mender.halt()
    await mender.remember()
    seen = await redis_queue.intake.enqueue(make_event("DU2"), message=message(2))
    new = await redis_queue.intake.enqueue(make_event("DU3"), message=message(3))
    await mender.mend()
    again = [
        await redis_queue.intake.enqueue(make_event(name), message=message(number))
        for name, number in (("DU2", 2), ("DU3", 3))
    ]

    assert (await mender.compare()).verdict is Verdict.AGREES
    assert [type(answer) for answer in (seen, new, *again)] == [AlreadySeen, Queued, AlreadySeen, AlreadySeen]
    progress = await redis_queue.progress.read()
    assert (progress["growth"].message_id, progress["quiet"]) == ("m:2", Progress(SENT))


async def test_what_redis_would_have_forgotten_does_not_come_back(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Three days later no message is recognised any more, and the event that traded is; nine days later nothing is."""
    await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    later = CLOCK.now() + RECEIPT_LIFE + HOUR

    after_days = [page async for page in audit.past.keepsakes(later)]
    long_after = [page async for page in audit.past.keepsakes(later + timedelta(days=6))]

    assert sorted(type(each).__name__ for page in after_days for each in page) == ["Receipt", "TradedEvent"]
    assert [each for page in long_after for each in page] == []


class FarOffMending(RedisMending):
    """On a host whose clock is far off."""

    def __init__(self, queue: RedisQueue, *, ahead: timedelta) -> None:
        super().__init__(ScriptRunner(queue.client, queue.keys, load_scripts()), queue.client)
        self.ahead = ahead

    async def now(self) -> datetime:
        return await super().now() + self.ahead


@pytest.mark.parametrize("days", [-400, 4, 400])
async def test_a_clock_that_is_far_off_lets_nothing_be_forgotten(
    redis_queue: RedisQueue, audit: PostgresAudit, days: int
) -> None:
    """Ages count back from the last record of history if that is earlier; what comes back lives no longer than ever."""
    await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    before = await kept(redis_queue)
    expected = await redis_queue.worker.last_traded("done")

    await go_back(redis_queue.client, {})
    await Mender(FarOffMending(redis_queue, ahead=timedelta(days=days)), audit.past).mend()

    after = await kept(redis_queue)
    assert {name: words for name, (words, _) in after.items()} == {name: words for name, (words, _) in before.items()}
    assert all(0 < left <= FILL_LIFE // timedelta(milliseconds=1) for _, left in after.values())
    assert all(isinstance(answer, AlreadySeen) for answer in await retold(redis_queue))
    assert await redis_queue.worker.last_traded("done") == expected


class MortalMending(RedisMending):
    """Dies in the middle of giving things back."""

    def __init__(self, queue: RedisQueue, *, steps: int) -> None:
        super().__init__(ScriptRunner(queue.client, queue.keys, load_scripts()), queue.client)
        self.left = steps

    def _live(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise QueueUnavailable("died")

    async def keep(self, keepsakes: Sequence[Keepsake], moment: datetime) -> None:
        for each in keepsakes:
            self._live()
            await super().keep([each], moment)

    async def set_progress(self, progress: Mapping[str, Progress], *, is_emptied: bool) -> None:
        self._live()
        await super().set_progress(progress, is_emptied=is_emptied)

    async def reopen(self, run_id: str, *, halt: str) -> bool:
        self._live()
        return await super().reopen(run_id, halt=halt)


async def test_dying_anywhere_leaves_the_queue_closed_and_the_rest_to_the_next_try(
    redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Nothing is taken in before everything is back, and however often it dies, all of it is back once."""
    await past_with_everything(redis_queue)
    await carry(redis_queue, audit)
    before = await kept(redis_queue)
    await go_back(redis_queue.client, {})
    deaths = 0
    while True:
        try:
            await Mender(MortalMending(redis_queue, steps=deaths), audit.past).mend()
            break
        except QueueUnavailable:
            deaths += 1
            assert (await redis_queue.mending.halt_reason()).startswith("closed")
            with pytest.raises(QueueClosed):
                await redis_queue.intake.enqueue(make_event("new"), least=0)

    after = await kept(redis_queue)
    assert {name: words for name, (words, _) in after.items()} == {name: words for name, (words, _) in before.items()}
    assert deaths == len(before) + 3
    assert all(isinstance(answer, AlreadySeen) for answer in await retold(redis_queue))
    await carry(redis_queue, audit)
    assert (await Mender(redis_queue.mending, audit.past).compare()).verdict is Verdict.AGREES
