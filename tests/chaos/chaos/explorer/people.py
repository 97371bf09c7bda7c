"""The actors of a schedule: the product's own queue, intake, relay and mender, in the hands of simple people."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from chaos.actors.stage import wall_ms
from chaos.explorer.choices import Choices
from chaos.observation import Order
from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost, QueueClosed, QueueError, QueueHalted, QueueUnavailable
from event_queue.events import Command, RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.outcomes import Lease
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.wary_intake import WaryIntake
from service_runtime.clock import SystemClock

Answer = TypeVar("Answer")

_LEASE: Final = timedelta(minutes=10)
_PAUSE: Final = timedelta(minutes=30)
_BLOCK: Final = timedelta(milliseconds=1)
_LEGS: Final = ("SELL", "BUY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the actors are, and what they leave for the checks."""

    choices: Choices
    queue: RedisQueue
    audit: PostgresAudit
    chance: random.Random
    orders: list[Order] = field(default_factory=list[Order])
    answers: dict[int, str] = field(default_factory=dict[int, str])
    finished: set[str] = field(default_factory=set[str])
    """Sources that have sent everything."""

    @property
    def mender(self) -> Mender:
        """What puts Redis right."""
        return Mender(self.queue.mending, self.audit.past, now=SystemClock().now)


async def produce(place: Place, source: str, signals: Sequence[Mapping[str, Any]]) -> None:
    """Send each signal until it is answered; one that was answered before is not sent again."""
    intake = WaryIntake(place.queue.intake, place.mender, KnownRun())
    for signal in signals:
        if signal["n"] in place.answers:
            continue
        is_message = signal["via"] == "ably"
        event = RebalanceEvent(
            event_id=UUID(int=place.chance.getrandbits(128), version=4) if is_message else UUID(signal["id"]),
            account_id=signal["account"],
            exec_command=Command(signal["command"]),
            created_at=SystemClock().now() - timedelta(seconds=1),
            source=signal["via"],
            data={"n": signal["n"], "script": signal["script"]},
        )
        message = InboundMessage("signals", f"m{signal['n']}") if is_message else None
        outcome = await _patiently(
            lambda event=event, message=message: intake.enqueue(
                event, message=message, remember_while_in_flight=message is not None
            )
        )
        word = type(outcome).__name__.lower()
        place.answers[signal["n"]] = {"alreadyseen": "seen"}.get(word, word)
    place.finished.add(source)


async def work(place: Place, name: str) -> None:
    """Lead whenever the lease can be had, until killed."""
    for start in count(1):
        holder = f"{name}.{start}"
        lease = await _patiently(lambda holder=holder: place.queue.worker.acquire_lease(holder, ttl=_LEASE))
        if isinstance(lease, Lease):
            try:
                await _lead(place, lease)
            except LeaseLost:
                continue


async def _lead(place: Place, lease: Lease) -> None:
    worker = place.queue.worker
    await _patiently(lambda: worker.recover(lease, repeat_pause=_PAUSE))
    while True:
        event = await _patiently(lambda: worker.claim(lease, "0"))
        while event is not None:
            event = await _attempt(place, lease, event)


async def _attempt(place: Place, lease: Lease, event: RebalanceEvent) -> RebalanceEvent | None:
    """One attempt, as the event's data say; the next event, when one was claimed with its end."""
    worker = place.queue.worker
    script = cast("Sequence[str]", event.data["script"])
    step = script[min(event.times_queued, len(script)) - 1]
    for leg in _LEGS:
        ref = f"{event.event_id}:{event.times_queued}:{leg}"
        details = {"order_ref": ref}
        try:
            await _patiently(lambda details=details: worker.record(lease, "0", event, AuditKind.ORDER_INTENT, details))
        except QueueHalted:
            return None
        place.orders.append(Order(ref, event.account_id, wall_ms(), lease.fence))
    if step == "fail":
        await _patiently(lambda: worker.requeue(lease, "0", event, pause=_PAUSE, error="as scripted", result={}))
        return None
    end = worker.skip if step == "skip" else worker.complete
    return await _patiently(lambda: end(lease, "0", event, result={}, claim_next=place.chance.random() < 0.5))


async def carry(place: Place) -> None:
    """Take records to PostgreSQL until killed; never as many as a whole batch, whose successor is read meanwhile."""
    relay = OutboxRelay(place.queue.outbox, place.audit, now=SystemClock().now, pause=_no_pause)
    while True:
        try:
            await relay.carry(block=_BLOCK)
        except QueueError as error:
            place.choices.log.append(f"relay: {type(error).__name__}")


async def mend(place: Place) -> None:
    """Put Redis right whenever it has lost something, until killed."""
    while True:
        try:
            comparison = await place.mender.compare()
            if comparison.needs_mending:
                await place.mender.mend()
        except QueueError as error:
            place.choices.log.append(f"mender: {type(error).__name__}")


async def _no_pause(_: timedelta) -> None:
    """Every call is chosen anyhow."""


async def _patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until answered, as the product does."""
    while True:
        try:
            return await call()
        except (QueueUnavailable, QueueClosed):
            continue
