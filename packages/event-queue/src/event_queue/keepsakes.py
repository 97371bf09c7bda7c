"""What Redis kept for a while comes back from history; one reading shows it and does it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from event_queue.one_past import HistoryPosition
from event_queue.postgres_past import PostgresPast
from event_queue.receipts import Keepsake, Receipt
from event_queue.redis_mending import RedisMending


@dataclass(frozen=True, slots=True)
class KeptCounts:
    """How much history knows of what Redis keeps for a while; what Redis has still is among it, and stays as it is."""

    message_receipts: int
    """Messages that are recognised when they are told again, counted for each account."""
    event_receipts: int
    """The same for events that came from no message: files and requests."""
    fill_receipts: int
    traded_events: int
    """Events that sent orders, for executions that come after their end."""
    channels: int
    """Channels that are read again from where history knows them."""


class Keepsakes:
    """Between history and Redis."""

    def __init__(self, redis: RedisMending, past: PostgresPast) -> None:
        """Take both sides."""
        self._redis = redis
        self._past = past

    async def show(self) -> KeptCounts:
        """What `give_back` would give; changes nothing.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
        """
        kinds = await self._each_page(_leave)
        return _counts(kinds, channels=len(await self._past.progress()))

    async def recall(self) -> None:
        """Let Redis recognise again what it took in; where channels are read from stays as it is.

        Safe to repeat, also while signals are taken in. Raises as `give_back`.
        """
        await self._each_page(self._redis.keep)

    async def give_back(self, *, is_emptied: bool) -> KeptCounts:
        """Give Redis everything back, and let channels be read again from where history knows them; what it was.

        Safe to repeat, also while signals are taken in: what came since stays. No event is changed by it.

        Raises:
            AuditUnavailable: PostgreSQL did not answer.
            QueueUnavailable: Redis did not answer.
        """
        kinds = await self._each_page(self._redis.keep)
        progress = await self._past.progress()
        await self._redis.set_progress(progress, is_emptied=is_emptied)
        return _counts(kinds, channels=len(progress))

    async def _each_page(self, deal_with: Callable[[Sequence[Keepsake], datetime], Awaitable[None]]) -> Counter[str]:
        kinds = Counter[str]()
        moment = earlier_of(await self._redis.now(), await self._past.position())
        async for page in self._past.keepsakes(moment):
            await deal_with(page, moment)
            kinds.update(_kind(each) for each in page)
        return kinds


def earlier_of(now: datetime, position: HistoryPosition) -> datetime:
    """The moment from which ages are counted: now by Redis's clock, or the last record of history if that is earlier.

    A clock that runs ahead makes nothing too old to be kept; on a quiet system things are kept that much longer.
    """
    return min(now, position.written_at)


async def _leave(_page: Sequence[Keepsake], _moment: datetime) -> None:
    """Nothing is changed."""


def _kind(keepsake: Keepsake) -> str:
    return keepsake.kind if isinstance(keepsake, Receipt) else "traded"


def _counts(kinds: Counter[str], *, channels: int) -> KeptCounts:
    return KeptCounts(
        message_receipts=kinds["message"],
        event_receipts=kinds["event"],
        fill_receipts=kinds["fill"],
        traded_events=kinds["traded"],
        channels=channels,
    )
