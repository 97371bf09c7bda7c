"""The way in for a service that compares nothing by itself: before the first event of each run of Redis it asks."""

import asyncio
from collections.abc import Sequence
from functools import partial

from event_queue.arrival import Answer, Arrival
from event_queue.errors import AuditUnavailable, QueueClosed, QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.outcomes import IntakeOutcome
from event_queue.redis_intake import RedisIntake


class WaryIntake:
    """`Intake` that asks history about a Redis that has started anew or is empty, and opens a new one by itself.

    While history cannot be asked either, events are taken in: PostgreSQL being away stops nothing. What it turns out
    to know when it is back is put beside them then.
    """

    def __init__(self, intake: RedisIntake, mender: Mender, run: KnownRun) -> None:
        """Take the way in, who can ask history, and what keeps events from any run of Redis but the one looked at."""
        self._intake = intake
        self._mender = mender
        self._run = run
        self._turn = asyncio.Lock()

    async def enqueue(
        self,
        event: RebalanceEvent,
        *,
        message: InboundMessage | None = None,
        remember_while_in_flight: bool = False,
    ) -> IntakeOutcome:
        """Queue the event; see `Intake.enqueue`.

        Raises:
            QueueClosed: Redis was emptied, and what history knows is not back yet; nothing was changed.
        """
        offer = partial(self._intake.enqueue, event, message=message, remember_while_in_flight=remember_while_in_flight)
        asked_about = self._run.run_id
        try:
            return await offer(least=0)
        except QueueClosed:
            await self._look(asked_about)
        return await offer()

    async def enqueue_all(self, arrivals: Sequence[Arrival]) -> Sequence[Answer]:
        """Offer many events; see `Intake.enqueue_all`. While Redis is empty, each is answered by QueueClosed."""
        asked_about = self._run.run_id
        answers = list(await self._intake.enqueue_all(arrivals, least=0))
        closed = [position for position, answer in enumerate(answers) if isinstance(answer, QueueClosed)]
        offered = [arrivals[position] for position in closed]
        for position, answer in zip(closed, await self._offered_again(offered, asked_about), strict=True):
            answers[position] = answer
        return answers

    async def _offered_again(self, arrivals: Sequence[Arrival], asked_about: str) -> Sequence[Answer]:
        """Answers to events that a Redis has refused which is empty, or which nobody has looked at."""
        if not arrivals:
            return ()
        try:
            await self._look(asked_about)
        except QueueError as error:
            return [error] * len(arrivals)
        return await self._intake.enqueue_all(arrivals)

    async def _look(self, asked_about: str) -> None:
        """Find out which run of Redis events may go to, unless somebody has since that run was asked about.

        Raises:
            QueueClosed: to none yet.
            QueueUnavailable: Redis did not answer.
        """
        async with self._turn:
            if self._run.run_id != asked_about:
                return
            try:
                self._run.run_id = await self._mender.vouch()
            except AuditUnavailable:
                self._run.run_id = await self._mender.run_id()
