"""One schedule, from its seed to its findings."""

import random
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from redis.asyncio import Redis

from chaos.actors.names import HOUR_MS, STEP_KEY
from chaos.actors.stage import scripts_with_steps
from chaos.explorer.choices import Choices, Fate
from chaos.explorer.clients import ChoiceClient, ChoicePool
from chaos.explorer.leading import work
from chaos.explorer.people import Place, carry, mend, produce
from chaos.invariants import Finding, check
from chaos.observation import Observation, Signal
from chaos.outcome import DRIVER, Outcome
from chaos.queue_level.arena import Database
from chaos.queue_level.load import SOURCES, draw_load
from chaos.reading import empty_tables, raw_redis, read_books, read_tables, stored_counter
from event_queue import relay
from event_queue.keys import QueueKeys
from event_queue.postgres_audit import PostgresAudit
from event_queue.postgres_pool import PostgresAddress, open_pool
from event_queue.redis_queue import RedisQueue, queue_of
from event_queue.script_runner import ScriptRunner
from event_queue.sql_files import load_queries
from event_queue.testing.first_run import vouch_for_run
from event_queue.testing.redis_server import running_redis

STEPS: Final = 200
_SIGNALS: Final = 12
_MOST_STEPS_TO_REST: Final = 6_000
_CALM: Final[dict[Fate, float]] = {Fate.RUNS: 1.0}
_WAKES: Final = 0.01
"""How often, of all steps, whoever stands still goes on."""
_LOOK_EVERY: Final = 25
_LEASE_EVERY: Final = 8 * _LOOK_EVERY
"""Steps of all actors in which one of them comes to the end of a few events."""
_LAST_WORDS: Final = 60
_PATIENCE: Final = timedelta(hours=1)
"""An actor may wait long for its turn."""


class Explorer:
    """A Redis and a database on which one schedule runs after the other."""

    def __init__(self, redis_port: int, raw: Any, database: Database) -> None:
        self._port = redis_port
        self._raw = raw
        self._database = database
        self.told: Sequence[str] = ()
        """The choices of the last schedule, one after the other."""

    async def run(self, seed: int, *, steps: int = STEPS) -> Outcome:
        """Let the seed decide so many steps, then let everything run, and check."""
        began = monotonic()
        await self._raw.flushall()
        await vouch_for_run(self._raw, QueueKeys.with_prefix())
        await self._raw.script_flush()  # a script that is known already takes one call less
        await empty_tables(self._database.dsn)
        chance = random.Random(f"schedule {seed}")  # noqa: S311 - draws plans, keeps no secret
        async with self._people(chance) as (place, lives):
            story = _Story(place, lives, self._raw, chance)
            load = draw_load(chance, _SIGNALS, pairs=chance.choice((3, 8)))
            for source, signals in load.items():
                lives[source] = lambda source=source, signals=signals: produce(place, source, signals)
            await story.trouble(steps)
            is_quiet = await story.rest(self._is_quiet)
            seen = Observation(
                books=await read_books(self._raw),
                tables=await read_tables(self._database.dsn),
                signals=[
                    Signal(each["n"], each["account"], each["command"], place.answers.get(each["n"], ""))
                    for signals in load.values()
                    for each in signals
                ],
                orders=place.orders,
                is_quiet=is_quiet,
                clock_is_steady=False,
                losses=story.losses,
            )
            findings = check(seen)
            self.told = place.choices.log
        return Outcome(
            kind="schedule",
            seed=seed,
            faults=["F25"],
            findings=[*findings, *([Finding(DRIVER, " | ".join(self.told[-_LAST_WORDS:]))] if findings else [])],
            kills=place.choices.deaths,
            events=len({entry.event_id for entry in seen.tables.entries}),
            orders=len(seen.orders),
            records=seen.books.counter,
            seconds=monotonic() - began,
        )

    @asynccontextmanager
    async def _people(
        self, chance: random.Random
    ) -> AsyncGenerator[tuple[Place, dict[str, Callable[[], Coroutine[Any, Any, None]]]]]:
        address = PostgresAddress(
            host="127.0.0.1", port=self._database.server.port, database=self._database.name, user="postgres"
        )
        async with AsyncExitStack() as stack:
            choices = Choices(chance)
            pool = await stack.enter_async_context(open_pool(address))
            client = ChoiceClient(self._raw, choices)
            audit = PostgresAudit(ChoicePool(pool, choices), load_queries())
            queue = _queue_on(client)
            place = Place(choices=choices, queue=queue, audit=audit, chance=chance)
            stack.push_async_callback(choices.end)
            yield (
                place,
                {
                    "worker": lambda: work(place, "worker"),
                    "standby": lambda: work(place, "standby"),
                    "relay": lambda: carry(place),
                    "mender": lambda: mend(place),
                },
            )

    async def _is_quiet(self) -> bool:
        books = await read_books(self._raw)
        is_told = books.counter == await stored_counter(self._database.dsn)
        return is_told and not (books.events or books.outbox or books.halt)


class _Story:
    """What happens, step by step."""

    def __init__(
        self,
        place: Place,
        lives: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
        raw: Any,
        chance: random.Random,
    ) -> None:
        self.losses: list[float] = []
        self._place = place
        self._lives = lives
        self._raw = raw
        self._chance = chance

    async def trouble(self, steps: int) -> None:
        """Whatever the seed brings."""
        trouble = self._chance.choice((0.02, 0.1, 0.3))
        fates = {Fate.RUNS: 1 - trouble, **{fate: trouble / 4 for fate in Fate if fate is not Fate.RUNS}}
        may_wipe = self._chance.random() < 0.2
        for _ in range(steps):
            self._revive()
            await self._place.choices.step(fates)
            if self._chance.random() < trouble / 10:
                await self._place.time.pass_a_length(self._raw)
            if self._chance.random() < trouble / 10:
                await self._raw.set(STEP_KEY, self._chance.choice((-1, 0, 1, 2)) * HOUR_MS)
            if self._chance.random() < _WAKES:
                self._place.choices.wake()
            if may_wipe and self._chance.random() < 2 / steps:
                await self._wipe()

    async def rest(self, is_quiet: Callable[[], Any]) -> bool:
        """Every call runs now, and every pause has ended; whether everything comes to rest."""
        for step in range(_MOST_STEPS_TO_REST):
            self._revive()
            await self._place.choices.step(_CALM)
            if step % _LOOK_EVERY == 0:
                await self._raw.set(STEP_KEY, (3 + step // _LOOK_EVERY) * HOUR_MS)
                await self._let_time_pass(step)
                if self._all_sent() and await is_quiet():
                    return True
        return False

    async def _let_time_pass(self, step: int) -> None:
        """Whoever stands still goes on in the middle of a lease's length, and everybody comes to its end."""
        if step % _LEASE_EVERY == _LEASE_EVERY // 2:
            self._place.choices.wake()
        if step and step % _LEASE_EVERY == 0:
            await self._place.time.pass_a_length(self._raw)

    def _all_sent(self) -> bool:
        return set(SOURCES) <= self._place.finished

    def _revive(self) -> None:
        """Start whoever was killed; a producer that is done has nothing to do and ends at once."""
        for name in sorted(self._lives.keys() - self._place.choices.living):
            if name in self._place.finished:
                continue
            self._place.choices.add(name, self._lives[name]())

    async def _wipe(self) -> None:
        seconds, micros = await self._raw.time()
        await self._raw.flushall()
        self.losses.append(seconds * 1000 + micros / 1000)


def _queue_on(client: Any) -> RedisQueue:
    """As the product puts it together, but for the clock of its scripts, which can be stepped."""
    scripts = ScriptRunner(client, QueueKeys.with_prefix(), scripts_with_steps(), patience=_PATIENCE)
    return queue_of(scripts, client, client)


@asynccontextmanager
async def open_explorer(database: Database) -> AsyncGenerator[Explorer]:
    """A Redis of its own."""
    with running_redis(appendonly="no") as server, _patient_relay():
        raw: Redis = raw_redis(server.port)
        async with raw:
            yield Explorer(server.port, raw, database)


@contextmanager
def _patient_relay() -> Generator[None]:
    """A relay that waits for its turn does not make another call meanwhile, as it does for an answer that takes long.

    An actor waits at one call at a time: on a slow machine the other call would take the place of the first for good.
    """
    usual = relay.SLOW_SECONDS
    setattr(relay, "SLOW_SECONDS", _PATIENCE.total_seconds())  # noqa: B010 - of the product, for as long as it plays
    try:
        yield
    finally:
        setattr(relay, "SLOW_SECONDS", usual)  # noqa: B010 - as above
