"""The known bugs: what is changed in the copy, under which faults it must show, and what it breaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaos.queue_level.trial import Plan

_QUEUE: Final = "packages/event-queue/src/event_queue"
_SCRIPTS: Final = f"{_QUEUE}/scripts"


_REST_SECONDS: Final = 3.0
"""Most of the bugs never come to rest. Whoever must see I8 broken sees it by another way than this time."""


@dataclass(frozen=True, slots=True)
class Change:
    """A passage of one file, and what stands in its place; it has to be there exactly once."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Addition:
    """Lines at the end of a module that put something around one of its methods."""

    file: str
    lines: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One known bug."""

    name: str
    changes: Sequence[Change | Addition]
    faults: Sequence[str]
    breaks: Sequence[str]
    signals: int = 40
    pairs: int = 30
    hold_relay: bool = False

    def plan(self, seed: int) -> Plan:
        """A trial against it."""
        return Plan(
            seed,
            self.faults,
            signals=self.signals,
            pairs=self.pairs,
            rest_seconds=_REST_SECONDS,
            hold_relay=self.hold_relay,
        )


_HELD: Final = "redis.call('HGET', in_flight, slot) ~= id"
_ALIVE: Final = "redis.call('HEXISTS', events, id) == 0"
_HAS_LEASE: Final = "~= token then"
_NO_LEASE: Final = "== 'nobody' then"

BUGS: Final[Sequence[Bug]] = (
    Bug(
        name="claim by BRPOP: what a worker holds is in its memory alone",
        changes=(
            Change(f"{_SCRIPTS}/shared/take.lua", "redis.call('HSET', k.in_flight, slot, id)", ""),
            Change(f"{_SCRIPTS}/finish.lua", "if held == id then", "if redis.call('HEXISTS', events, id) == 1 then"),
            Change(f"{_SCRIPTS}/record.lua", _HELD, _ALIVE),
            Change(f"{_SCRIPTS}/requeue.lua", _HELD, _ALIVE),
            Change(f"{_SCRIPTS}/delay.lua", _HELD, _ALIVE),
        ),
        faults=("F2b",),
        breaks=("I1", "I2"),
    ),
    Bug(
        name="dedupe in two steps: look, then push",
        changes=(
            Change(f"{_SCRIPTS}/enqueue.lua", "redis.call('HGET', active, pair)", "ARGV[#ARGV] ~= '' and ARGV[#ARGV]"),
            Addition(
                f"{_QUEUE}/script_runner.py",
                """
_execute = ScriptRunner._execute

async def _look_first(self, script, keys, args):
    if script.name == "enqueue":
        args = (*args, await self._client.hget(self.keys.active, args[1]) or "")
    return await _execute(self, script, keys, args)

ScriptRunner._execute = _look_first
""",
            ),
        ),
        faults=("F5b",),
        breaks=("I3",),
        signals=90,
        pairs=3,
    ),
    Bug(
        name="claim that is not idempotent",
        changes=(
            Change(f"{_SCRIPTS}/claim.lua", "if body then", "if false then"),
            Change(f"{_SCRIPTS}/finish.lua", "if held then", "if false then"),
        ),
        faults=("F4b",),
        breaks=("I2",),
    ),
    Bug(
        name="LMOVE first: the first write is one that a full Redis refuses",
        changes=(
            Change(
                f"{_SCRIPTS}/shared/take.lua",
                "local id = redis.call('RPOP', k.queue)",
                "local id = redis.call('LMOVE', k.queue, k.queue .. ':moved', 'RIGHT', 'LEFT')\n"
                "    redis.call('DEL', k.queue .. ':moved')",
            ),
        ),
        faults=("F10b",),
        breaks=("I8",),
    ),
    Bug(
        name="no HEXISTS heal: an active key without an event blocks its account for ever",
        changes=(
            Change(
                f"{_SCRIPTS}/enqueue.lua",
                "if not twin or redis.call('HEXISTS', events, twin) == 0 then",
                "if not twin then",
            ),
        ),
        faults=("F11b",),
        breaks=("I3",),
    ),
    Bug(
        name="requeue to the front",
        changes=(
            Change(
                f"{_SCRIPTS}/shared/place.lua", "redis.call('LPUSH', k.queue, id)", "redis.call('RPUSH', k.queue, id)"
            ),
        ),
        faults=("F2b",),
        breaks=("I4",),
    ),
    Bug(
        name="trim before commit",
        changes=(
            Addition(
                f"{_QUEUE}/redis_outbox.py",
                """
_read = RedisOutbox.read

async def _read_and_trim(self, *args, **more):
    records = await _read(self, *args, **more)
    if records:
        await self.trim(records[-1].stream_id)
    return records

RedisOutbox.read = _read_and_trim
""",
            ),
        ),
        faults=("F13",),
        breaks=("I6",),
    ),
    Bug(
        name="cursor outside the transaction",
        changes=(
            Addition(
                f"{_QUEUE}/postgres_append.py",
                """
_store = PostgresAppender._store

async def _cursor_first(self, records, *more):
    async with self._pool.connection("cursor") as connection:
        await self._move_cursor(connection, records)
    return await _store(self, records, *more)

PostgresAppender._store = _cursor_first
""",
            ),
        ),
        faults=("F13",),
        breaks=("I6",),
    ),
    Bug(
        name="lease not checked",
        changes=(
            *(
                Change(f"{_SCRIPTS}/{name}.lua", _HAS_LEASE, _NO_LEASE)
                for name in ("claim", "finish", "requeue", "delay", "record", "renew_lease", "recover")
            ),
            Change(
                "event-processor/src/event_processor/lease_guard.py",
                "        if self.remaining_seconds <= 0:",
                "        if self.remaining_seconds <= -1e9:",
            ),
        ),
        faults=("F3b",),
        breaks=("I5",),
        signals=60,
    ),
    Bug(
        name="a lease of an emptied Redis is used at once",
        changes=(Change(f"{_SCRIPTS}/acquire_lease.lua", "and 'sole' or ''", "and 'sole' or 'sole'"),),
        faults=("F3c",),
        breaks=("I5",),
        signals=60,
    ),
    Bug(
        name="SREM before complete: the pair is free while its event still lives",
        changes=(
            Addition(
                f"{_QUEUE}/script_runner.py",
                """
_run = ScriptRunner.run

async def _remove_first(self, name, *args, **more):
    if name == "finish":
        await self._client.hdel(self.keys.active, args[3])
    return await _run(self, name, *args, **more)

ScriptRunner.run = _remove_first
""",
            ),
        ),
        faults=("F5b",),
        breaks=("I3",),
        signals=90,
        pairs=3,
    ),
    Bug(
        name="delayed drops the dedupe key",
        changes=tuple(
            Change(
                f"{_SCRIPTS}/{name}.lua",
                "redis.call('HDEL', in_flight, slot)\n",
                "redis.call('HDEL', in_flight, slot)\n"
                "local lost = cjson.decode(redis.call('HGET', events, id))\n"
                "redis.call('HDEL', string.gsub(events, 'rebalance_events', 'active_events'),"
                " lost.account_id .. ':' .. lost.exec_command)\n",
            )
            for name in ("delay", "requeue")
        ),
        faults=("F23",),
        breaks=("I3",),
        pairs=6,
    ),
    Bug(
        name="XTRIM MAXLEN: the outbox forgets what PostgreSQL has not yet taken",
        changes=(
            Change(
                f"{_SCRIPTS}/shared/outbox.lua",
                "redis.call('XADD', k.outbox, '*',",
                "redis.call('XADD', k.outbox, 'MAXLEN', '50', '*',",
            ),
        ),
        faults=("F14",),
        breaks=("I6",),
        hold_relay=True,
    ),
    Bug(
        name="rollback not detected: a number that history has given away counts as stored, whatever it stands for now",
        changes=(
            Change(f"{_QUEUE}/stream_ids.py", "if known_as != record.stream_id:", "if False:"),
            Change(f"{_QUEUE}/stream_ids.py", "if stored_by_counter != stored_by_stream:", "if False:"),
            Change(f"{_QUEUE}/one_past.py", "if _went_back(position, survey):", "if False:"),
        ),
        faults=("F17",),
        breaks=("I1", "I5", "I6"),
    ),
)
