"""The single worker's side of the queue: lease, claim, and every way an attempt can end."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis

from event_queue.audit import AuditKind
from event_queue.codec import decode_pause, encode_details, encode_event, to_ms
from event_queue.errors import CorruptQueue, LeaseLost, QueueHalted, TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.outcomes import LastTrade, Lease, LeaseHeld, LeaseOutcome
from event_queue.receipts import FILL_LIFE, receipt_of_fill, receipt_of_record
from event_queue.redis_errors import translated
from event_queue.redis_examination import decode_held
from event_queue.script_files import ScriptName
from event_queue.script_runner import ScriptRunner

LONGEST_WAIT: Final = timedelta(seconds=5)
"""Longest single block on Redis; longer waits end early, which is always allowed."""
_SHORTEST_WAIT_SECONDS: Final = 0.01
_RECORD_RECEIPT_MS: Final = 24 * 3600 * 1000
_MILLISECOND: Final = timedelta(milliseconds=1)
_FILL_RECEIPT_MS: Final = FILL_LIFE // _MILLISECOND


class RedisWorkerQueue:
    """`WorkerQueue` on Redis."""

    def __init__(self, scripts: ScriptRunner, blocking: "Redis") -> None:
        """Take the runner of the queue's scripts, and a client of its own for the wait (read timeout above 5 s)."""
        self._scripts = scripts
        self._blocking: Any = blocking
        self._next_due_at: float | None = None
        self._latest_fence = 0

    async def acquire_lease(self, holder: str, *, ttl: timedelta, presumed_dead: str | None = None) -> LeaseOutcome:
        """Take the lease when it is free; `holder` must be unique to one start of one process."""
        ttl_ms = ttl // _MILLISECOND
        asked = holder, ttl_ms, presumed_dead or "", self._latest_fence
        match await self._scripts.run("acquire_lease", *asked):
            case ["held", str(token), str(remaining)]:
                return LeaseHeld(token=token, remaining_ms=int(remaining))
            case [_, token, fence, sole]:
                self._latest_fence = int(fence)
                return Lease(token=token, fence=int(fence), ttl_ms=ttl_ms, is_sole=sole == "sole")
            case reply:
                raise CorruptQueue(f"no answer to acquire_lease: {reply!r}")

    async def renew_lease(self, lease: Lease) -> None:
        """Extend the lease to its full length."""
        await self._write("renew_lease", lease, lease.ttl_ms, "1" if lease.is_sole else "")

    async def release_lease(self, lease: Lease) -> None:
        """Give the lease up; harmless when it is lost already."""
        await self._scripts.run("release_lease", lease.token)

    async def recover(self, lease: Lease, *, repeat_pause: timedelta) -> Sequence[RebalanceEvent]:
        """Put what a dead worker held at the back; call it after taking the lease and before the first claim.

        Parked events that no pause covers, because somebody removed a pause by other means, become due too.
        """
        await self._write("release_parked", lease)
        held = await self._scripts.run("in_flight")
        recovered: list[RebalanceEvent] = []
        for slot, event_id, body in zip(held[::3], held[1::3], held[2::3], strict=True):
            event = decode_held(self._scripts.keys, body, event_id).requeued() if body else None
            text = encode_event(event) if event else ""
            details = encode_details({"slot": slot, "fence": lease.fence})
            await self._write("recover", lease, slot, event_id, text, repeat_pause // _MILLISECOND, details)
            if event:
                recovered.append(event)
        await self._write("recovered", lease)
        return recovered

    async def claim(self, lease: Lease, slot: str) -> RebalanceEvent | None:
        """Promote due events, then take the oldest waiting one; what the slot already holds is given again."""
        return self._claimed(await self._write("claim", lease, slot, _claim_details(lease, slot)))

    async def complete(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, result: Mapping[str, Any], claim_next: bool
    ) -> RebalanceEvent | None:
        """End the event as completed, queue its remembered follow-up, and (fused) claim the next one."""
        return await self._finish(lease, slot, event, AuditKind.COMPLETED, result, claim_next=claim_next)

    async def skip(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, result: Mapping[str, Any], claim_next: bool
    ) -> RebalanceEvent | None:
        """End the event as skipped; otherwise as `complete`."""
        return await self._finish(lease, slot, event, AuditKind.SKIPPED, result, claim_next=claim_next)

    async def _finish(
        self,
        lease: Lease,
        slot: str,
        event: RebalanceEvent,
        kind: AuditKind,
        result: Mapping[str, Any],
        *,
        claim_next: bool,
    ) -> RebalanceEvent | None:
        reply = await self._write(
            "finish",
            lease,
            slot,
            str(event.event_id),
            event.dedup_key,
            kind,
            encode_details({"result": result}),
            "1" if claim_next else "0",
            _claim_details(lease, slot),
        )
        return self._claimed(reply)

    async def requeue(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, pause: timedelta, error: str, result: Mapping[str, Any]
    ) -> None:
        """Put a failed event, as `event.requeued()`, behind everything after a pause."""
        details = encode_details({"error": error, "result": result})
        body = encode_event(event.requeued())
        await self._write("requeue", lease, slot, str(event.event_id), body, pause // _MILLISECOND, details)

    async def delay(
        self, lease: Lease, slot: str, event: RebalanceEvent, *, until: datetime | None, reason: str
    ) -> None:
        """Put the event aside until `until`, unchanged and not counted as an attempt; see `WorkerQueue.delay`."""
        details, due = encode_details({"reason": reason}), "" if until is None else to_ms(until)
        await self._write("delay", lease, slot, str(event.event_id), due, details)

    async def park(self, lease: Lease, slot: str, event: RebalanceEvent, *, reason: str) -> None:
        """Put the event aside until trading is resumed for its account; see `WorkerQueue.park`."""
        details = encode_details({"reason": reason})
        await self._write("park", lease, slot, str(event.event_id), event.account_id, details)

    async def record(
        self,
        lease: Lease,
        slot: str,
        event: RebalanceEvent,
        kind: AuditKind,
        details: Mapping[str, Any],
        *,
        trading_day: date | None = None,
    ) -> None:
        """Append an audit record about the event in hand; see `WorkerQueue.record`."""
        day = {} if trading_day is None else {"trading_day": trading_day}
        text = encode_details({**details, **day})
        reply = await self._write(
            "record",
            lease,
            slot,
            str(event.event_id),
            kind,
            text,
            _RECORD_RECEIPT_MS,
            event.account_id,
            "" if trading_day is None else trading_day.isoformat(),
            _FILL_RECEIPT_MS,
            receipt=receipt_of_record(event.event_id, event.times_queued, kind, text),
            traded_event=str(event.event_id),
        )
        if reply[0] == "halted":
            raise QueueHalted(reply[1])
        if reply[0] == "paused":
            raise TradingPaused(event.account_id, decode_pause(reply[1]))

    async def record_fill(
        self, lease: Lease, event_id: UUID, account_id: str, details: Mapping[str, Any], *, trading_day: date
    ) -> bool:
        """Append an execution under its event, wherever that is; see `WorkerQueue.record_fill`."""
        text = encode_details(details)
        receipt, words = receipt_of_fill(event_id, text)
        reply = await self._write(
            "record_fill",
            lease,
            str(event_id),
            text,
            words,
            _FILL_RECEIPT_MS,
            account_id,
            trading_day.isoformat(),
            receipt=receipt,
            traded_event=str(event_id),
        )
        return reply[0] != "unknown"

    async def last_traded(self, account_id: str) -> LastTrade | None:
        """The account's latest trading day; see `WorkerQueue.last_traded`."""
        told = await self._scripts.run("last_traded", account_id)
        return _last_trade(account_id, told[0]) if told else None

    async def age_of(self, event: RebalanceEvent) -> timedelta | None:
        """How long ago the event was asked for last; see `WorkerQueue.age_of`."""
        told = await self._scripts.run("event_age", str(event.event_id), event.dedup_key)
        return int(told[0]) * _MILLISECOND if told else None

    async def await_event(self, lease: Lease, slot: str, *, at_most: timedelta) -> RebalanceEvent | None:
        """Wait until something may be claimable, and claim in that moment; see `WorkerQueue.await_event`."""
        wait = ("BLPOP", self._scripts.keys.wake, f"{self._seconds_to_wait(at_most):.3f}")
        claim = (lease.token, slot, _claim_details(lease, slot))
        reply = await self._scripts.run_behind(wait, "claim", *claim, blocking=self._blocking)
        return self._claimed(_under_lease(reply, "claim", *claim))

    async def wake(self) -> None:
        """End one wait for an event; see `WorkerQueue.wake`."""
        with translated("wake"):
            await self._blocking.execute_command("RPUSH", self._scripts.keys.wake, "1")

    def _seconds_to_wait(self, at_most: timedelta) -> float:
        seconds = min(at_most, LONGEST_WAIT).total_seconds()
        if self._next_due_at is not None:
            seconds = min(seconds, self._next_due_at - asyncio.get_running_loop().time())
        return max(seconds, _SHORTEST_WAIT_SECONDS)

    def _claimed(self, reply: Sequence[str]) -> RebalanceEvent | None:
        match reply:
            case ["event", str(body)]:
                self._next_due_at = None
                return decode_held(self._scripts.keys, body)
            case ["none", str(due_in_ms)]:
                # Somebody may have written an infinite one, which never comes.
                is_timed = due_in_ms.isdecimal()
                self._next_due_at = asyncio.get_running_loop().time() + int(due_in_ms) / 1000 if is_timed else None
                return None
            case ["ended"]:
                return None
            case ["halted", _]:
                self._next_due_at = None
                return None
            case _:
                raise CorruptQueue(f"a slot holds an event without a body: {reply!r}")

    async def _write(
        self,
        script: ScriptName,
        lease: Lease,
        *args: str | int,
        receipt: str | None = None,
        traded_event: str | None = None,
    ) -> Sequence[str]:
        """Run a script that carries the lease's token, and raise when the lease has passed on."""
        reply = await self._scripts.run(script, lease.token, *args, receipt=receipt, traded_event=traded_event)
        return _under_lease(reply, script, lease.token, *args)


def _under_lease(reply: Sequence[str], script: ScriptName, token: str, *args: str | int) -> Sequence[str]:
    """The reply of a script that carries the lease's token, and writes nothing once the lease has passed on."""
    if reply[0] == "lease_lost":
        raise LeaseLost(f"{script}: lease {token} has passed on; nothing was changed")
    if reply[0] == "not_held":
        raise LeaseLost(f"{script}: slot {args[0]} no longer holds event {args[1]}; nothing was changed")
    return reply


def _last_trade(account_id: str, told: str) -> LastTrade:
    day, _, rest = told.partition(" ")
    event_id, _, mark = rest.partition(" ")
    try:
        return LastTrade(date.fromisoformat(day), UUID(event_id), is_expected=mark == "expected")
    except ValueError as error:
        raise CorruptQueue(f"Redis holds an unreadable last trade of {account_id}: {told[:200]!r}") from error


def _claim_details(lease: Lease, slot: str) -> str:
    return f'{{"slot":"{slot}","fence":{lease.fence}}}'
