"""The stories. Each starts on an empty queue, and tells the same whenever it is told; ids grow in order of time."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from event_queue.audit import AuditKind, EventStatus
from event_queue.codec import encode_event
from event_queue.components import ComponentReport, ComponentState
from event_queue.errors import QueueClosed, QueueHalted, TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.mend_plan import MendAction, MendStep
from event_queue.mend_words import Remembered, Switched, Traded
from event_queue.one_past import HistoryPosition
from event_queue.outcomes import EVERY_ACCOUNT, Lease
from event_queue.redis_queue import RedisQueue
from event_queue.spill_marker import SpillMarker
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead

Story = Callable[[RedisQueue], Awaitable[object]]
HOUR: Final = timedelta(hours=1)
MOMENT: Final = datetime(2025, 6, 24, tzinfo=UTC)
DAY: Final = date(2025, 6, 24)


def event_of(
    account_id: str, number: int, *, times_queued: int = 1, data: dict[str, Any] | None = None
) -> RebalanceEvent:
    """An event whose id is its number."""
    changes = {"event_id": UUID(int=number), "times_queued": times_queued}
    return make_event(account_id, data=data).model_copy(update=changes)


async def lease_of(queue: RedisQueue, holder: str = "a", presumed_dead: str | None = None) -> Lease:
    """The lease, which is free or held by the presumed dead."""
    return await lead(queue.worker, holder, ttl=HOUR, presumed_dead=presumed_dead)


async def ordinary_work(queue: RedisQueue) -> None:
    """Intake with all its refusals, every end of an attempt, a worker's death, an operator's removal."""
    intake, worker = queue.intake, queue.worker
    first, second, third, newer = (event_of(name, number) for number, name in enumerate(("DU1", "DU2", "DU3", "DU1")))
    with suppress(QueueClosed):
        await intake.enqueue(first, least=0)
    for event in (first, second, third):
        await intake.enqueue(event, message=InboundMessage("c", f"m-{event.account_id}", MOMENT))
    await intake.enqueue(event_of("DU1", 10))
    await intake.enqueue(event_of("DU2", 11), message=InboundMessage("c", "m-DU2", MOMENT))
    lease = await lease_of(queue)
    await worker.acquire_lease("b", ttl=HOUR)
    await worker.renew_lease(lease)
    await worker.claim(lease, "0")
    await intake.enqueue(newer, message=InboundMessage("c", "newer"), remember_while_in_flight=True)
    await worker.record(lease, "0", first, AuditKind.ORDER_INTENT, {"order_ref": "x"})
    await queue.admin.list_events(10)
    await worker.complete(lease, "0", first, result={}, claim_next=True)
    await worker.requeue(lease, "0", second, pause=timedelta(), error="x", result={})
    await worker.claim(lease, "0")
    await worker.delay(lease, "0", third, until=MOMENT, reason="due at once")
    await worker.claim(lease, "0")
    heir = await lease_of(queue, "b", presumed_dead=lease.token)
    await worker.recover(heir, repeat_pause=HOUR)
    await worker.claim(heir, "0")
    await worker.skip(heir, "0", second.requeued(), result={}, claim_next=False)
    await queue.admin.delete(third.event_id, actor="test")
    await queue.admin.status()
    await queue.components.report(ComponentReport("relay", ComponentState.OK, "", {}, MOMENT))
    await worker.claim(heir, "0")
    await worker.complete(heir, "0", newer.requeued(), result={}, claim_next=True)
    await worker.release_lease(heir)


async def pauses_of_an_event(queue: RedisQueue) -> None:
    """A failed event waits; one that kills its worker for the third time waits too; deleting one frees its signal."""
    lease = await lease_of(queue)
    await queue.intake.enqueue(event := event_of("DU1", 1))
    for times in range(3):
        await queue.worker.claim(lease, "0")
        await queue.worker.recover(lease, repeat_pause=HOUR)
        event = event.model_copy(update={"times_queued": times + 2})
    await queue.worker.claim(lease, "0")
    await queue.admin.get_event(event.event_id)
    await queue.intake.enqueue(other := event_of("DU2", 2))
    await queue.worker.claim(lease, "1")
    await queue.intake.enqueue(event_of("DU2", 3), remember_while_in_flight=True)
    await queue.admin.delete(other.event_id, actor="test")
    await queue.worker.requeue(lease, "1", other, pause=HOUR, error="x", result={})
    await queue.admin.delete(other.event_id, actor="test")
    await queue.worker.claim(lease, "1")


async def trading_off_and_on(queue: RedisQueue) -> None:
    """Pauses in several words, what is refused under them, events parked and released, fills after the end."""
    worker, switch = queue.worker, queue.trading
    event, other = event_of("DU1", 1), event_of("DU2", 2)
    for queued in (event, other):
        await queue.intake.enqueue(queued)
    lease = await lease_of(queue)
    for slot in ("0", "1"):
        await worker.claim(lease, slot)
    await worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"}, trading_day=DAY)
    await worker.record_fill(lease, event.event_id, "DU1", {"exec_id": "1"}, trading_day=DAY)
    await worker.record_fill(lease, UUID(int=9), "DU1", {"exec_id": "1"}, trading_day=DAY)
    await worker.last_traded("DU1")
    await worker.last_traded("DU2")
    await worker.age_of(event)
    await switch.pause("DU1", actor="ops", reason="first words")
    await switch.pause("DU1", actor="ops", reason="other words")
    await switch.pause(EVERY_ACCOUNT, actor="ops", reason="all")
    with suppress(TradingPaused):
        await worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "b"})
    await worker.park(lease, "0", event, reason="paused")
    await switch.resume(EVERY_ACCOUNT, actor="ops")
    await switch.resume(EVERY_ACCOUNT, actor="ops")
    await worker.park(lease, "1", other, reason="paused when last looked at")
    await queue.client.hdel(queue.keys.paused, "DU1")
    await worker.recover(lease, repeat_pause=HOUR)
    await worker.claim(lease, "0")
    await worker.complete(lease, "0", event, result={}, claim_next=True)
    await worker.record_fill(lease, event.event_id, "DU1", {"exec_id": "2"}, trading_day=DAY)
    await switch.pause("DU1", actor="ops", reason="again")
    await switch.resume("DU1", actor="ops")


async def records_to_a_file(queue: RedisQueue) -> None:
    """Dropping, taking out, adding to that, and forgetting it; nothing of another Redis, and no marker that changed."""
    for number in range(5):
        await queue.intake.enqueue(event_of(f"DU{number}", number))
    records = [record.stream_id for record in await queue.mending.records()]
    first, second = (SpillMarker("a1", 1, last, f"{last}-0", host="here", directory="/spill") for last in (2, 4))
    await queue.outbox.trim(f"{records[0]}0")
    await queue.outbox.take_out(f"{records[0]}0", first)
    await queue.outbox.trim(records[0])
    await queue.outbox.take_out(records[1], first)
    await queue.outbox.take_out(records[3], second)
    await queue.outbox.forget_spill(first)
    await queue.outbox.forget_spill(second)


async def mending(queue: RedisQueue) -> None:
    """Redis went back in time: everything that history may know better, and what only the queue knows."""
    held, waiting, ended, twin = (event_of(f"DU{number}", number) for number in range(4))
    for event in (held, waiting, ended, twin):
        await queue.intake.enqueue(event)
    lease = await lease_of(queue)
    await queue.worker.claim(lease, "0")
    await queue.intake.enqueue(event_of("DU0", 20), remember_while_in_flight=True)
    await queue.mending.survey("0-0")
    await queue.mending.halt("closed while mending")
    with suppress(QueueClosed):
        await queue.intake.enqueue(event_of("DU9", 9))
    await queue.worker.claim(lease, "1")
    with suppress(QueueHalted):
        await queue.worker.record(lease, "0", held, AuditKind.ORDER_INTENT, {"order_ref": "x"})
    loose = [record.stream_id for record in await queue.mending.records()]
    await queue.mending.renumber(3, HistoryPosition(40, "5-0"), loose, halt="closed while mending")
    await queue.mending.renumber(len(loose), HistoryPosition(40, "4000000000000-0"), loose, halt="another")
    await queue.mending.renumber(len(loose), HistoryPosition(40, "4000000000000-0"), loose, halt="closed while mending")
    await queue.mending.halt("halted 1 2 another, which is too late")
    for halt in ("an earlier one", "closed while mending"):
        await queue.mending.restore(
            _steps(held, waiting, ended, twin),
            [Switched("DU7", '{"scope":"DU7","actor":"ops","reason":"x","since":1}'), Switched("DU8", None)],
            [Traded("DU1", f"2025-06-24 {waiting.event_id}")],
            [Remembered(event_of("DU1", 30))],
            {"DU7:rebalance": held.event_id},
            halt=halt,
        )
        await queue.mending.reopen("run", halt=halt)
    await queue.mending.reopen("run", halt="closed while mending")
    await queue.worker.claim(lease, "1")
    await queue.client.delete(queue.keys.events)
    await queue.mending.survey("0-0")
    await queue.mending.halt("lacking 0 2 keys")
    last = HistoryPosition(int(await queue.client.get(queue.keys.counter)), "5-0")
    await queue.mending.clear(replace(last, counter=last.counter - 1), halt="lacking 0 2 keys")
    await queue.mending.clear(last, halt="lacking 0 2 keys")


def _steps(
    held: RebalanceEvent, waiting: RebalanceEvent, ended: RebalanceEvent, twin: RebalanceEvent
) -> list[MendStep]:
    corrected = waiting.model_copy(update={"times_queued": 2, "recovered": True})
    back, restored = MendAction.RETURNS, AuditKind.RESTORED
    later = datetime(2100, 1, 1, tzinfo=UTC)
    return [
        MendStep(MendAction.ENDS, held, AuditKind.RESYNCED, encode_event(held), ended_as=EventStatus.COMPLETED),
        MendStep(MendAction.CORRECTED, corrected, AuditKind.RECOVERED, encode_event(waiting)),
        MendStep(MendAction.ENDS, ended, AuditKind.RESYNCED, "changed meanwhile", ended_as=EventStatus.COMPLETED),
        MendStep(MendAction.TOLD, twin, restored, encode_event(twin)),
        MendStep(back, event_of("DU3", 40), restored),
        MendStep(back, event_of("DU4", 41), restored),
        MendStep(back, event_of("DU5", 42, times_queued=3), restored, due_at=later),
        MendStep(back, event_of("DU7", 43), restored, parked_at=MOMENT),
        MendStep(back, event_of("DU8", 44), restored, parked_at=MOMENT),
    ]


STORIES: Final[Mapping[str, Story]] = MappingProxyType(
    {
        story.__name__: story
        for story in (ordinary_work, pauses_of_an_event, trading_off_and_on, records_to_a_file, mending)
    }
)
