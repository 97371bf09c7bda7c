"""What has to be done so that Redis is right again, found out while history stands still. Changes nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from event_queue.comparison import OTHER_PAST, Comparison
from event_queue.errors import QueueMoving
from event_queue.halt_words import divergence_in
from event_queue.keepsakes import KeptCounts, earlier_of
from event_queue.loose_records import loose_records
from event_queue.mend_plan import Divergence, LooseRecords, MendAction, MendStep, PresentEvent, plan_steps
from event_queue.mend_words import Asked, Remembered, Switched, Traded
from event_queue.one_past import CLOSED, Verdict, compare
from event_queue.postgres_past import PostgresPast
from event_queue.receipts import FILL_LIFE
from event_queue.redis_mending import RedisMending

_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class MendPlan:
    """What has to be done; empty when both agree."""

    comparison: Comparison
    loose: LooseRecords = field(default_factory=LooseRecords)
    divergence: Divergence = field(default_factory=lambda: Divergence(0, 0))
    steps: tuple[MendStep, ...] = ()
    switched: tuple[Switched, ...] = ()
    traded: tuple[Traded, ...] = ()
    asked: tuple[Asked, ...] = ()
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
        return self.comparison.verdict in OTHER_PAST

    @property
    def is_nothing(self) -> bool:
        """Whether both agree, and trading goes on."""
        return not self.comparison.needs_mending and self.comparison.verdict is not Verdict.HISTORY_LOST

    @property
    def is_empty_redis(self) -> bool:
        """Whether Redis lost everything, rather than some of it."""
        survey = self.comparison.survey
        return self.comparison.verdict is Verdict.REDIS_LOST or survey.halt.startswith(CLOSED)


class MendPlanner:
    """Reads from both sides."""

    def __init__(self, redis: RedisMending, past: PostgresPast) -> None:
        """Take both sides."""
        self._redis = redis
        self._past = past

    async def compare(self) -> Comparison:
        """Compare the positions, which costs one round trip to each.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            QueueUnavailable: Redis did not answer.
        """
        position = await self._past.position()
        survey = await self._redis.survey(position.stream_id)
        return Comparison(position, survey, compare(position, survey))

    async def outline(self) -> MendPlan:
        """Which records each of them lacks, and no steps: what the queue holds is not looked at.

        Raises:
            QueueMoving: records kept moving between the two while they were compared.
        """
        return await self._while_still(self._outline)

    async def plan(self) -> MendPlan:
        """Everything.

        Raises:
            QueueMoving: as `outline`, or history, from which every event has to come back, does not hold all of them
                yet.
        """
        return await self._while_still(self._plan)

    async def _while_still(self, look: Callable[[Comparison], Awaitable[MendPlan]]) -> MendPlan:
        """What a look shows during which history stood still."""
        for _ in range(_TRIES):
            comparison = await self.compare()
            plan = await look(comparison)
            if await self._past.position() == comparison.position:
                return plan
        raise QueueMoving("records kept moving to history while it was compared with Redis: nothing was changed")

    async def _outline(self, comparison: Comparison) -> MendPlan:
        plan = MendPlan(comparison)
        if plan.is_nothing:
            return plan
        records = await self._redis.records()
        stored = await self._past.stored([(record.number, record.stream_id) for record in records]) if records else ()
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
        unseen = await self._past.unseen(list(present), divergence)
        now = await self._redis.now()
        steps = plan_steps(known, present, loose, unseen, now)
        remembered = tuple(await self._past.remembered(after=divergence.agreed))
        since = earlier_of(now, comparison.position) - FILL_LIFE
        return replace(
            plan,
            steps=steps,
            switched=tuple(await self._past.switched(after=divergence.agreed)),
            traded=(*await self._past.last_trades(), *await self._past.expected_trades(since=since)),
            asked=tuple(await self._past.asked(after=divergence.agreed)),
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
    if left_behind and comparison.verdict not in OTHER_PAST:
        return left_behind
    last = comparison.position.counter
    first = last + 1 if loose.first is None else loose.first
    seen = Divergence(min(last, comparison.survey.counter or 0, first - 1), last)
    return seen.joined(left_behind) if left_behind else seen
