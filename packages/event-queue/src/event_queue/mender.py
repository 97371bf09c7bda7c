"""Compares Redis with history, and puts Redis right when it has lost some of its past.

The order of steps makes a death anywhere harmless: the halt comes first and goes last; records are renumbered in one
script; each event is changed in the same step as its record is written, and only when it is as the plan found it. A
plan made again after a death therefore contains exactly what is left to do.

Several may mend at once. A step is taken only under the halt that it was planned under, so whoever comes late, when
another has let trading go on, changes nothing and looks again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from event_queue.errors import QueueMoving
from event_queue.halt_words import divergence_in, halt_words
from event_queue.keepsakes import Keepsakes, KeptCounts
from event_queue.loose_records import loose_records
from event_queue.mend_plan import Divergence, LooseRecords, MendAction, MendStep, PresentEvent, plan_steps
from event_queue.mend_words import Remembered, Switched, Traded
from event_queue.one_past import CLOSED, HALTED, LACKING, HistoryPosition, Survey, Verdict, compare
from event_queue.postgres_past import PostgresPast
from event_queue.receipts import FILL_LIFE
from event_queue.redis_mending import RedisMending

_TRIES: Final = 20
_OTHER_PAST: Final = (Verdict.REDIS_LOST, Verdict.REDIS_WENT_BACK)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Where both stand, and what that means."""

    position: HistoryPosition
    survey: Survey
    verdict: Verdict

    @property
    def history_knows_all(self) -> bool:
        """Whether nothing would be missing from history if Redis were lost now."""
        return self.verdict is Verdict.AGREES and self.is_level

    @property
    def is_level(self) -> bool:
        """Whether both have the same last record."""
        return self.survey.counter == self.position.counter

    @property
    def lacks_keys(self) -> bool:
        """Whether only events are lost, all of which come back from history once it holds every record."""
        is_halted_for_it = self.survey.halt.startswith(LACKING) and self.verdict not in _OTHER_PAST
        return self.verdict is Verdict.KEYS_LOST or is_halted_for_it

    @property
    def needs_mending(self) -> bool:
        """Whether the queue must not be traded on as it is."""
        return bool(self.survey.halt) or self.verdict in (Verdict.KEYS_LOST, *_OTHER_PAST)


@dataclass(frozen=True, slots=True)
class MendPlan:
    """What has to be done; empty when both agree."""

    comparison: Comparison
    loose: LooseRecords = field(default_factory=LooseRecords)
    divergence: Divergence = field(default_factory=lambda: Divergence(0, 0))
    steps: tuple[MendStep, ...] = ()
    switched: tuple[Switched, ...] = ()
    traded: tuple[Traded, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    settled: Mapping[str, UUID] = field(default_factory=dict[str, UUID])
    """Pair -> newer signal that Redis remembers for it still, although history knows what became of it."""
    kept: KeptCounts | None = None
    """What came back besides, once it is done."""

    @property
    def halt(self) -> str:
        """The halt in force when it was made; empty without one."""
        return self.comparison.survey.halt

    @property
    def renumbers(self) -> bool:
        """Whether records get numbers behind those of history."""
        return self.comparison.verdict in _OTHER_PAST

    @property
    def is_nothing(self) -> bool:
        """Whether both agree, and trading goes on."""
        return not self.comparison.needs_mending and self.comparison.verdict is not Verdict.HISTORY_LOST

    @property
    def is_empty_redis(self) -> bool:
        """Whether Redis lost everything, rather than some of it."""
        survey = self.comparison.survey
        return self.comparison.verdict is Verdict.REDIS_LOST or survey.halt.startswith(CLOSED)


class Mender:
    """Used by the event-broker by itself, and by operators through the management service."""

    def __init__(self, redis: RedisMending, past: PostgresPast, *, now: Callable[[], datetime]) -> None:
        """Take both sides and the clock."""
        self._redis = redis
        self._past = past
        self._now = now
        self.keepsakes = Keepsakes(redis, past, now=now)
        """What Redis keeps for a while, which comes back besides the events."""

    async def compare(self) -> Comparison:
        """Compare the positions, which costs one round trip to each.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            QueueUnavailable: Redis did not answer.
        """
        position = await self._past.position()
        survey = await self._redis.survey(position.stream_id)
        return Comparison(position, survey, compare(position, survey))

    async def open_if_new(self) -> bool:
        """Let an empty Redis take events in when history is empty too; whether it is open now."""
        comparison = await self.compare()
        if comparison.verdict is Verdict.NEW:
            # What was read from the Redis before this one may have been on its way.
            await self._past.fence()
            comparison = await self.compare()
        if comparison.verdict is Verdict.NEW:
            await self._redis.renumber(None, HistoryPosition(0, "0-0"), ())
            return True
        return not comparison.needs_mending

    async def fence(self) -> None:
        """Let nobody store any more what was read from Redis until now.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
        """
        await self._past.fence()

    async def halt(self) -> None:
        """Let nothing be traded on a queue that needs mending, and remember what it never saw.

        What the queue holds is not looked at, so that nothing in it is in the way. A halt in force stays, unless
        records have to be numbered under it: it may be of an earlier loss, and knows nothing of this one then.

        Raises:
            QueueMoving: as `plan`.
        """
        await self._past.fence()
        plan = await self._while_still(self._outline)
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
        """What `mend` would do now; changes nothing.

        Raises:
            QueueMoving: records kept moving between the two while they were compared, or history, from which every
                event has to come back, does not hold all of them yet.
        """
        return await self._while_still(self._plan)

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
        words = plan.switched, plan.traded, plan.remembered, plan.settled
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

    async def _while_still(self, look: Callable[[Comparison], Awaitable[MendPlan]]) -> MendPlan:
        """What a look shows during which history stood still."""
        for _ in range(_TRIES):
            comparison = await self.compare()
            plan = await look(comparison)
            if await self._past.position() == comparison.position:
                return plan
        raise QueueMoving("records kept moving to history while it was compared with Redis: nothing was changed")

    async def _outline(self, comparison: Comparison) -> MendPlan:
        """Which records each of them lacks, and no steps."""
        plan = MendPlan(comparison)
        if plan.is_nothing:
            return plan
        records = await self._redis.records()
        stored = await self._past.stored([(number, stream_id) for number, stream_id, _ in records]) if records else ()
        loose = loose_records(records, frozenset(stored))
        return MendPlan(comparison, loose, _divergence(comparison, loose))

    async def _plan(self, comparison: Comparison) -> MendPlan:
        plan = await self._outline(comparison)
        if plan.is_nothing:
            return plan
        loose, divergence = plan.loose, plan.divergence
        if comparison.lacks_keys and not comparison.is_level:
            raise QueueMoving("history does not hold all that Redis has recorded yet: try again when it does")
        is_lost = comparison.verdict is Verdict.KEYS_LOST
        present: Mapping[UUID, PresentEvent] = {} if is_lost else await self._redis.present()
        known = [*await self._past.unfinished(), *await self._past.events(list(present))]
        steps = plan_steps(known, present, loose, divergence, self._now())
        remembered = tuple(await self._past.remembered(after=divergence.agreed))
        return replace(
            plan,
            steps=steps,
            switched=tuple(await self._past.switched(after=divergence.agreed)),
            traded=(*await self._past.last_trades(), *await self._past.expected_trades(since=self._now() - FILL_LIFE)),
            remembered=remembered,
            settled=_settled(await self._redis.reruns(), steps, remembered, loose),
        )


def _settled(
    reruns: Mapping[str, UUID], steps: Sequence[MendStep], remembered: Sequence[Remembered], loose: LooseRecords
) -> Mapping[str, UUID]:
    """Of what Redis remembers: what is older than the loss, where history knows the end or a newer signal."""
    overtaken = {step.event.dedup_key for step in steps if step.action is MendAction.ENDS}
    overtaken |= {each.event.dedup_key for each in remembered}
    return {pair: signal for pair, signal in reruns.items() if pair in overtaken and signal not in loose.event_ids}


def _divergence(comparison: Comparison, loose: LooseRecords) -> Divergence:
    """What the queue never saw: as the halt says that an earlier start of the same work left behind, and as it shows.

    Once records are numbered behind those of history nothing shows any more.
    """
    if comparison.verdict is Verdict.KEYS_LOST:
        return Divergence(0, comparison.position.counter)
    left_behind = divergence_in(comparison.survey.halt)
    if left_behind and comparison.verdict not in _OTHER_PAST:
        return left_behind
    last = comparison.position.counter
    first = last + 1 if loose.first is None else loose.first
    seen = Divergence(min(last, comparison.survey.counter or 0, first - 1), last)
    return seen.joined(left_behind) if left_behind else seen
