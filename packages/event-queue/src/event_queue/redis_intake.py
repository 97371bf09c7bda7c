"""The way in: one script takes an event, refuses it, or remembers it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from event_queue.arrival import Answer, Arrival
from event_queue.codec import encode_event, encode_message
from event_queue.errors import CorruptQueue, PayloadRefused, QueueClosed, QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, Duplicate, IntakeOutcome, Queued, Remembered
from event_queue.payloads import validate_payload
from event_queue.receipts import RECEIPT_LIFE, receipt_of_event, receipt_of_message
from event_queue.script_runner import Run, ScriptRunner

_AT_ONCE: Final = 50
"""Most events in one round trip."""


class RedisIntake:
    """`Intake` on Redis."""

    def __init__(self, scripts: ScriptRunner, *, receipt_life: timedelta = RECEIPT_LIFE) -> None:
        """Take the runner of the queue's scripts and how long messages and events are recognised."""
        self._scripts = scripts
        self._receipt_ms = receipt_life // timedelta(milliseconds=1)

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
        least: int | None = None,
    ) -> IntakeOutcome:
        """Queue the event unless its account and command are active; see `Intake.enqueue`.

        Args:
            event: as there.
            message: as there.
            remember_while_in_flight: as there.
            least: the record that Redis must have reached; it has lost some of its past when it has not, or when it
                was never opened. None to ask nothing.

        Raises:
            PayloadRefused: `data` holds what could not be carried unchanged.
            QueueClosed: Redis has lost some of its past or is being rebuilt; nothing was changed.
        """
        arrival = Arrival(event, message, remember_while_in_flight)
        run = self._run_of(arrival, least)
        answer = _answer(await self._scripts.run("enqueue", *run.args, receipt=run.receipt), arrival)
        if isinstance(answer, QueueError):
            raise answer
        return answer

    async def enqueue_all(self, arrivals: Sequence[Arrival], *, least: int | None = None) -> Sequence[Answer]:
        """Offer events in their order, 50 in a round trip; see `Intake.enqueue_all`, and `enqueue` for `least`."""
        answers: list[Answer] = []
        try:
            while len(answers) < len(arrivals):
                some = arrivals[len(answers) : len(answers) + _AT_ONCE]
                answers += await self._enqueue_some(some, least)
        except QueueError as error:
            # A Redis that does not answer now, or is not in order, is not asked for the others either.
            answers += [error] * (len(arrivals) - len(answers))
        return answers

    async def _enqueue_some(self, arrivals: Sequence[Arrival], least: int | None) -> Sequence[Answer]:
        runs = [self._run_or_refusal(arrival, least) for arrival in arrivals]
        replies = iter(await self._scripts.run_all("enqueue", [run for run in runs if isinstance(run, Run)]))
        told = (next(replies) if isinstance(run, Run) else run for run in runs)
        return [
            reply if isinstance(reply, QueueError) else _answer(reply, arrival)
            for reply, arrival in zip(told, arrivals, strict=True)
        ]

    def _run_or_refusal(self, arrival: Arrival, least: int | None) -> Run | PayloadRefused:
        try:
            return self._run_of(arrival, least)
        except PayloadRefused as refusal:
            return refusal

    def _run_of(self, arrival: Arrival, least: int | None) -> Run:
        event, message = arrival.event, arrival.message
        validate_payload(event.data)
        event_id = str(event.event_id)
        args = (
            event_id,
            event.dedup_key,
            encode_event(event),
            "1" if arrival.remember_while_in_flight else "0",
            self._receipt_ms,
            "" if least is None else least,
            "" if message is None else encode_message(message),
        )
        receipt = receipt_of_event(event_id) if message is None else receipt_of_message(event.account_id, message)
        return Run(args, receipt)


def _answer(reply: list[Any], arrival: Arrival) -> Answer:
    match reply:
        case ["queued", _]:
            return Queued(arrival.event)
        case ["duplicate", twin]:
            return Duplicate(UUID(twin))
        case ["remembered", twin]:
            return Remembered(UUID(twin))
        case ["seen", _]:
            return AlreadySeen(arrival.message.identity if arrival.message else str(arrival.event.event_id))
        case ["closed", reason]:
            return QueueClosed(reason)
        case _:
            return CorruptQueue(f"enqueue of event {arrival.event.event_id} answered {reply!r}")
