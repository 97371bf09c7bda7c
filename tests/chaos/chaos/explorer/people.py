"""The actors of a schedule but its workers: intake, relay and mender of the product, in the hands of simple people."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from chaos.explorer.choices import Choices
from chaos.explorer.lease_time import LeaseTime
from chaos.observation import Order
from event_queue.errors import QueueClosed, QueueError, QueueUnavailable
from event_queue.events import Command, RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.relay import OutboxRelay
from event_queue.wary_intake import WaryIntake
from service_runtime.clock import SystemClock

Answer = TypeVar("Answer")

_BLOCK: Final = timedelta(milliseconds=1)


@dataclass(slots=True, kw_only=True)
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
    time: LeaseTime = field(default_factory=LeaseTime)
    lives: int = 0
    """Of workers, so far."""

    @property
    def mender(self) -> Mender:
        """What puts Redis right."""
        return Mender(self.queue.mending, self.audit.past)


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
        outcome = await patiently(
            lambda event=event, message=message: intake.enqueue(
                event, message=message, remember_while_in_flight=message is not None
            )
        )
        word = type(outcome).__name__.lower()
        place.answers[signal["n"]] = {"alreadyseen": "seen"}.get(word, word)
    place.finished.add(source)


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


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask until answered, as the product does."""
    while True:
        try:
            return await call()
        except (QueueUnavailable, QueueClosed):
            continue
