"""Compares Redis with history, and puts Redis right when it has lost some of its past.

The order of steps makes a death anywhere harmless: the halt comes first and goes last; records are renumbered in one
script; each event is changed in the same step as its record is written, and only when it is as the plan found it. A
plan made again after a death therefore contains exactly what is left to do.

Several may mend at once. A step is taken only under the halt that it was planned under, so whoever comes late, when
another has let trading go on, changes nothing and looks again.
"""

from dataclasses import replace
from typing import Final

from event_queue.comparison import Comparison
from event_queue.errors import QueueClosed, QueueMoving
from event_queue.halt_words import divergence_in, halt_words
from event_queue.keepsakes import Keepsakes
from event_queue.mend_plan import Divergence
from event_queue.mend_planner import MendPlan, MendPlanner
from event_queue.one_past import CLOSED, HALTED, LACKING, HistoryPosition, Verdict, compare
from event_queue.postgres_past import PostgresPast
from event_queue.redis_mending import RedisMending

_TRIES: Final = 20
_BEGINNING: Final = "0-0"


class Mender:
    """Used by the event-broker by itself, and by operators through the management service."""

    def __init__(self, redis: RedisMending, past: PostgresPast) -> None:
        """Take both sides."""
        self._redis = redis
        self._past = past
        self._planner = MendPlanner(redis, past)
        self.keepsakes = Keepsakes(redis, past)
        """What Redis keeps for a while, which comes back besides the events."""

    async def compare(self) -> Comparison:
        """Compare the positions; see `MendPlanner.compare`."""
        return await self._planner.compare()

    async def open_if_new(self) -> bool:
        """Let an empty Redis take events in when history is empty too; whether it is open now."""
        comparison = await self.compare()
        if comparison.verdict is Verdict.NEW:
            # What was read from the Redis before this one may have been on its way.
            await self.fence(await self.run_id())
            comparison = await self.compare()
        if comparison.verdict is Verdict.NEW:
            await self._redis.renumber(None, HistoryPosition(0, "0-0"), ())
            return True
        return not comparison.needs_mending

    async def vouch(self) -> str:
        """Find out whether events may go to the run of Redis that is there now, and which run that is.

        History is asked unless somebody has compared that run already. One that has lost some of its past is taught
        first what it took in. Nothing is put right otherwise.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            QueueClosed: Redis was emptied, and what history knows is not back yet.
            QueueUnavailable: Redis did not answer.
        """
        run_id = await self._redis.run_id()
        if await self._was_compared(run_id):
            return run_id
        await self.fence(run_id)
        comparison = await self.compare()
        if comparison.verdict is Verdict.REDIS_LOST or comparison.survey.halt.startswith(CLOSED):
            raise QueueClosed("Redis was emptied, and is rebuilt from history first")
        if comparison.verdict is Verdict.NEW:
            await self.open_if_new()
        elif comparison.needs_mending:
            await self.keepsakes.recall()
        return run_id

    async def _was_compared(self, run_id: str) -> bool:
        """Whether somebody has compared that run, and nothing shows in Redis that has become of it since."""
        survey = await self._redis.survey(_BEGINNING)
        is_open = survey.counter is not None and not survey.halt.startswith(CLOSED)
        return is_open and await self._redis.checked_run() == run_id

    async def run_id(self) -> str:
        """Which run of Redis this is.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        return await self._redis.run_id()

    async def fence(self, run_id: str) -> str:
        """Let nobody store any more what was read from Redis until now; see `PostgresPast.fence`.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
        """
        return await self._past.fence(run_id)

    async def halt(self) -> None:
        """Let nothing be traded on a queue that needs mending, and remember what it never saw.

        What the queue holds is not looked at, so that nothing in it is in the way. A halt in force stays, unless
        records have to be numbered under it: it may be of an earlier loss, and knows nothing of this one then.

        Raises:
            QueueMoving: as `plan`.
        """
        await self.fence(await self.run_id())
        plan = await self._planner.outline()
        if plan.comparison.needs_mending and (plan.renumbers or not plan.halt):
            await self._halt(plan)

    async def is_behind(self, end: HistoryPosition) -> bool:
        """Whether Redis went back in time behind a record that it has given away to a file; PostgreSQL is not asked.

        Raises:
            QueueUnavailable: Redis did not answer.
        """
        return compare(end, await self._redis.survey(end.stream_id)) is Verdict.REDIS_WENT_BACK

    async def halt_for(self, divergence: Divergence) -> None:
        """Let nothing be traded on a queue that never saw some records, besides those that a halt in force tells of.

        Raises:
            QueueMoving: others kept changing the halt.
            QueueUnavailable: Redis did not answer.
        """
        for _ in range(_TRIES):
            present = await self._redis.halt_reason()
            known = divergence_in(present)
            word = CLOSED if present.startswith(CLOSED) else HALTED
            words = halt_words(word, known.joined(divergence) if known else divergence)
            if await self._redis.halt(words, instead_of=present) == words:
                return
        raise QueueMoving("the halt of the queue kept changing: try again")

    async def remember(self) -> None:
        """Give Redis back what it kept for a while, and let channels be read again from where history knows them.

        Safe to repeat, also while signals are taken in: what came since stays. No event is changed by it.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            QueueUnavailable: Redis did not answer.
        """
        await self.keepsakes.give_back(is_emptied=False)

    async def plan(self) -> MendPlan:
        """What `mend` would do now; see `MendPlanner.plan`."""
        return await self._planner.plan()

    async def mend(self) -> MendPlan:
        """Put Redis right, and let trading go on; what was done.

        Safe to repeat after a death at any point, and beside another that does the same.

        Raises:
            QueueMoving: as `plan`, or the queue itself kept changing; nothing was lost, and it may be tried again.
        """
        run_id = await self._redis.run_id()
        for _ in range(_TRIES):
            await self.halt()
            plan = await self.plan()
            done = await self._apply(plan)
            if done is not None and await self._redis.reopen(run_id, halt=plan.halt):
                return done
        raise QueueMoving("the queue kept changing while it was put right: try again")

    async def _apply(self, plan: MendPlan) -> MendPlan | None:
        """Do it; None when it is another thing that has to be done by now."""
        comparison = plan.comparison
        if comparison.needs_mending and not plan.halt:
            return None
        if plan.renumbers:
            position, seen = comparison.position, comparison.survey.counter
            if not await self._redis.renumber(seen, position, plan.loose.stream_ids, halt=plan.halt):
                return None
        if comparison.verdict is Verdict.HISTORY_LOST:
            await self._accept_gap(comparison)
        if comparison.needs_mending:
            plan = replace(plan, kept=await self.keepsakes.give_back(is_emptied=plan.is_empty_redis))
        if comparison.verdict is Verdict.KEYS_LOST and not await self._redis.clear(comparison.position, halt=plan.halt):
            return None
        words = plan.switched, (*plan.traded, *plan.asked), plan.remembered, plan.settled
        return plan if await self._redis.restore(plan.steps, *words, halt=plan.halt) else None

    async def _halt(self, plan: MendPlan) -> None:
        word = LACKING if plan.comparison.lacks_keys else CLOSED if plan.is_empty_redis else HALTED
        await self._redis.halt(halt_words(word, plan.divergence), instead_of=plan.halt)

    async def _accept_gap(self, comparison: Comparison) -> None:
        survey, position = comparison.survey, comparison.position
        if survey.following is None:
            await self._past.skip_to(HistoryPosition(survey.counter or 0, survey.last_id))
        else:
            await self._past.skip_to(replace(position, counter=survey.following - 1))
