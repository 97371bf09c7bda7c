"""Redis's side of putting a queue right: where it stands, what it holds, and the scripts that change it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from event_queue.codec import decode_event, encode_event, from_ms, to_ms
from event_queue.loose_records import OutboxRecord, record_of
from event_queue.mend_plan import MendAction, MendStep, PresentEvent
from event_queue.mend_words import Asked, Remembered, Switched, Traded
from event_queue.one_past import HistoryPosition, Survey
from event_queue.outbox_entry import counter_of
from event_queue.progress import Progress
from event_queue.receipts import LONGEST_LIFE, Keepsake, Receipt, TradedEvent
from event_queue.redis_condition import condition_of
from event_queue.redis_errors import translated
from event_queue.redis_progress import RedisProgress
from event_queue.script_runner import ScriptRunner

_PAGE: Final = 1000
_AT_ONCE: Final = 100
"""Things done in one script: bounds how long Redis does nothing else."""
_RECEIPT_MS: Final = 600_000
_SHORTEST_LIFE: Final = timedelta(milliseconds=1)
_VERBS: Final[Mapping[MendAction, str]] = {
    MendAction.RETURNS: "back",
    MendAction.CORRECTED: "back",
    MendAction.ENDS: "end",
    MendAction.TOLD: "tell",
}
_Entry = tuple[str | int, ...]


class RedisMending:
    """Every call raises QueueUnavailable when Redis does not answer."""

    def __init__(self, scripts: ScriptRunner, client: "Redis") -> None:
        """Take the runner of the queue's scripts and the client for plain reads."""
        self._scripts = scripts
        self._client: Any = client
        self._progress = RedisProgress(client, scripts.keys.progress)

    async def survey(self, stored: str) -> Survey:
        """Where Redis stands, seen from the last stream id that history holds.

        Raises:
            CorruptQueue: what stands there, or follows, has no number.
        """
        reply = await self._scripts.run("survey", stored)
        counter, last_id, following, number, halt, files, preceding, its_number, lacking = reply
        return Survey(
            counter=int(counter) if counter else None,
            last_id=last_id,
            following=counter_of(following, {"n": number}) if following else None,
            halt=halt,
            is_spilled=files > 0,
            preceding=HistoryPosition(counter_of(preceding, {"n": its_number}), preceding) if preceding else None,
            is_whole=not lacking,
        )

    async def run_id(self) -> str:
        """Which run of Redis this is; each start makes another."""
        with translated("run_id"):
            return (await self._client.info("server"))["run_id"]

    async def rewrite_log(self) -> None:
        """Let Redis write its append-only file anew from what it holds; one that does not do so goes on as it is.

        A Redis that finds its file torn amid a transaction cuts off the torn command and keeps those before it: what
        it writes next stands behind the beginning of a transaction, and its next start would carry that out.
        """
        with translated("rewrite_log"), suppress(ResponseError):
            await self._client.execute_command("BGREWRITEAOF")

    async def checked_run(self) -> str:
        """The run that was last compared with history; empty when none ever was."""
        with translated("checked_run"):
            return await self._client.get(self._scripts.keys.checked) or ""

    async def mark_checked(self, run_id: str, *, forgets_no_lease: bool = False) -> None:
        """Let everybody know that this run was compared with history, also when memory is short; not amid a halt.

        One that forgets no lease lets the next holder use its own at once.
        """
        await self._scripts.run("reopen", run_id, "", "1" if forgets_no_lease else "")

    async def loses_nothing(self) -> bool:
        """Whether a start of Redis finds all that was ever answered; False where it does not tell its settings."""
        return not (await condition_of(self._client)).dangers

    async def halt_reason(self) -> str:
        """The present halt; empty without one."""
        with translated("halt_read"):
            return await self._client.get(self._scripts.keys.halt) or ""

    async def halt(self, words: str, *, instead_of: str = "") -> str:
        """Let nothing be claimed and no order be written down; the halt in force, which may be another one."""
        _, in_force = await self._scripts.run("halt", words, instead_of)
        return in_force

    async def reopen(self, run_id: str, *, halt: str) -> bool:
        """End that halt, if there is one, and wake the worker; False when another is in force."""
        reply = await self._scripts.run("reopen", run_id, halt, "")
        return reply[0] == "ok"

    async def renumber(
        self, seen: int | None, position: HistoryPosition, stream_ids: Sequence[str], *, halt: str = ""
    ) -> bool:
        """Number records after those of history, the loose ones among them; False when the queue moved meanwhile.

        So does one whose halt, under which this was planned, is not in force any more.
        """
        before = "" if seen is None else seen
        told = (before, position.counter, position.stream_id, halt)
        reply = await self._scripts.run("renumber", _RECEIPT_MS, *told, *stream_ids, receipt=f"renumber:{uuid4()}")
        return reply[0] == "ok"

    async def clear(self, position: HistoryPosition, *, halt: str) -> bool:
        """Remove every event; False when another halt is in force, or Redis has recorded what history does not hold."""
        return (await self._scripts.run("clear", halt, position.counter))[0] == "ok"

    async def records(self) -> Sequence[OutboxRecord]:
        """Every record in the outbox; what has no number is none."""
        found: list[OutboxRecord] = []
        after = "-"
        while True:
            with translated("outbox_scan"):
                page = await self._client.xrange(self._scripts.keys.outbox, after, "+", count=_PAGE)
            found += [record for entry in page if (record := record_of(*entry)) is not None]
            if len(page) < _PAGE:
                return found
            after = f"({page[-1][0]}"

    async def present(self) -> Mapping[UUID, PresentEvent]:
        """Every event that the queue holds, read page by page."""
        keys = self._scripts.keys
        found: dict[UUID, PresentEvent] = {}
        start = 0
        while True:
            with translated("events_scan"):
                ids: list[str] = await self._client.zrange(keys.ages, start, start + _PAGE - 1)
                bodies: list[str | None] = await self._client.hmget(keys.events, ids) if ids else []
            found |= {event.event.event_id: event for event in map(_present, filter(None, bodies))}
            if len(ids) < _PAGE:
                return found
            start += _PAGE

    async def now(self) -> datetime:
        """By Redis's clock, which counts the lives of what it keeps and the moments when events are due."""
        with translated("now"):
            seconds, microseconds = await self._client.time()
        return from_ms(seconds * 1000 + microseconds // 1000)

    async def keep(self, keepsakes: Sequence[Keepsake], moment: datetime) -> None:
        """Keep a page of things again, unless they were kept since; each lives as long as it would have from a moment.

        Safe to repeat.
        """
        with translated("keep"):
            async with self._client.pipeline(transaction=False) as pipeline:
                for each in keepsakes:
                    name, words = self._kept(each)
                    life = min(each.until - moment, LONGEST_LIFE)
                    pipeline.set(name, words, nx=True, px=max(life, _SHORTEST_LIFE))
                await pipeline.execute()

    async def set_progress(self, progress: Mapping[str, Progress], *, is_emptied: bool) -> None:
        """Let channels be read again from where history knows them; in an emptied Redis nothing else is true."""
        if is_emptied:
            await self._progress.start_over(progress)
        elif progress:
            await self._progress.write(progress)

    def _kept(self, keepsake: Keepsake) -> tuple[str, str]:
        keys = self._scripts.keys
        match keepsake:
            case Receipt(name, words):
                return keys.receipt(name), words
            case TradedEvent(event):
                return keys.traded_event(str(event.event_id)), encode_event(event)

    async def reruns(self) -> Mapping[str, UUID]:
        """Pair -> id of the newer signal that is remembered for it: as many at most as there are events in work."""
        with translated("reruns_read"):
            held: dict[str, str] = await self._client.hgetall(self._scripts.keys.reruns)
        return {pair: UUID(remembered.partition(" ")[0]) for pair, remembered in held.items()}

    async def restore(
        self,
        steps: Sequence[MendStep],
        switched: Sequence[Switched],
        latest: Sequence[Traded | Asked],
        remembered: Sequence[Remembered],
        settled: Mapping[str, UUID],
        *,
        halt: str,
    ) -> bool:
        """Carry steps out, pauses of trading first so that parked events find theirs.

        False when the halt that they were planned under, empty for none, is not in force: what they say is not true
        of a queue that is worked on, or that was lost once more.
        """
        entries = [
            *map(_switch_entry, switched),
            *map(_latest_entry, latest),
            *(_entry("settled", pair, str(event_id), pair=pair) for pair, event_id in settled.items()),
            *_step_entries(steps),
            *map(_rerun_entry, remembered),
        ]
        for start in range(0, len(entries), _AT_ONCE):
            flat = [field for entry in entries[start : start + _AT_ONCE] for field in entry]
            reply = await self._scripts.run("restore", _RECEIPT_MS, halt, *flat, receipt=f"restore:{uuid4()}")
            if reply[0] != "ok":
                return False
        return True


def _present(body: str) -> PresentEvent:
    return PresentEvent(decode_event(body), body)


def _entry(verb: str, name: str, body: str, **fields: str | int) -> _Entry:
    """The ten fields that the script takes for one thing."""
    names = ("pair", "created", "expected", "kind", "due", "account", "times")
    pair, created, expected, kind, due, account, times = (fields.get(each, "") for each in names)
    return (verb, name, pair, created, body, expected, kind, due, account, times)


def _step_entries(steps: Sequence[MendStep]) -> Iterator[_Entry]:
    """Parked events keep their order by the moments since when they are: no two get the same."""
    latest = 0
    for step in steps:
        due = "" if step.due_at is None else str(to_ms(step.due_at))
        if step.parked_at is not None:
            latest = max(to_ms(step.parked_at), latest + 1)
            due = f"parked {latest}"
        yield _step_entry(step, due)


def _step_entry(step: MendStep, due: str) -> _Entry:
    event = step.event
    body = step.expected if step.action is MendAction.TOLD else encode_event(event)
    return _entry(
        _VERBS[step.action],
        str(event.event_id),
        body,
        pair=event.dedup_key,
        created=to_ms(event.created_at),
        expected=step.expected,
        kind=step.ended_as or step.kind,
        due=due,
        account=event.account_id,
        times=event.times_queued,
    )


def _switch_entry(switched: Switched) -> _Entry:
    return _entry("resume" if switched.pause is None else "pause", switched.scope, switched.pause or "")


def _latest_entry(latest: Traded | Asked) -> _Entry:
    match latest:
        case Traded(account_id, words, is_expected):
            return _entry("expected" if is_expected else "traded", account_id, words)
        case Asked(pair, words):
            return _entry("asked", pair, words, pair=pair)


def _rerun_entry(remembered: Remembered) -> _Entry:
    event = remembered.event
    body = f"{event.event_id} {to_ms(event.created_at)} {encode_event(event)}"
    return _entry("rerun", str(event.event_id), body, pair=event.dedup_key)
