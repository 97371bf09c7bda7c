"""An error at any call of any script: nothing has changed by then, or the check before it refuses what causes it."""

import hashlib
import re
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import CorruptQueue
from event_queue.outcomes import Lease, Queued
from event_queue.redis_queue import RedisQueue, queue_of
from event_queue.script_files import SCRIPT_NAMES, Script, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.dump import dump_all
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import copy_of, go_back
from queue_stories.stories import STORIES

pytestmark = pytest.mark.integration

WITHOUT_A_TYPE = {"TIME", "SET", "DEL", "EXISTS", "PEXPIRE"}
"""Commands that no key's type makes fail."""
FAILING = """
local real, calls = redis, 0
local redis = {pcall = real.pcall, call = function(command, key, ...)
  calls = calls + 1
  if calls == %d then
    error('failing: ' .. command .. ' ' .. tostring(key))
  end
  if key then
    return real.call(command, key, ...)
  end
  return real.call(command)
end}
"""
SCRIPTS = load_scripts()


def failing_at(script: Script, call: int) -> Script:
    text = FAILING % call + script.text
    return replace(script, text=text, sha=hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class Breaking(ScriptRunner, ABC):
    """Tries every way to break a script, goes back to the state before, and then runs it unbroken."""

    def __init__(self, queue: RedisQueue) -> None:
        super().__init__(queue.client, queue.keys, SCRIPTS)
        self.queue = queue
        self.broken: dict[ScriptName, int] = {}
        self.done: set[tuple[ScriptName, str]] = set()

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        copy = await copy_of(self.queue.client)
        reply = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        branch = (name, str(reply[:1] if name not in ("survey", "status", "list", "find") else len(reply)))
        if branch not in self.done:
            self.done.add(branch)
            after = await copy_of(self.queue.client)
            await go_back(self.queue.client, copy)
            await self.break_it(name, *args, receipt=receipt, traded_event=traded_event)
            await go_back(self.queue.client, after)
        return reply

    @abstractmethod
    async def break_it(self, name: ScriptName, *args: str | int, receipt: str | None, traded_event: str | None) -> None:
        """Break one call of a script in every way, starting each time from the present state."""

    async def digest(self) -> str:
        return await self.queue.client.execute_command("DEBUG", "DIGEST")


class FailingCalls(Breaking):
    """Lets each call fail in turn."""

    async def break_it(self, name: ScriptName, *args: str | int, receipt: str | None, traded_event: str | None) -> None:
        copy, before = await copy_of(self.queue.client), await self.digest()
        call = 0
        while failed := await self.failure(name, (call := call + 1), args, receipt, traded_event):
            command, key = failed
            if await self.digest() != before:
                assert command in WITHOUT_A_TYPE or key in self.keys.types(), f"{name}: call {call}, {command} {key}"
                await go_back(self.queue.client, copy)
        self.broken[name] = max(self.broken.get(name, 0), call - 1)

    async def failure(
        self, name: ScriptName, call: int, args: tuple[str | int, ...], receipt: str | None, traded_event: str | None
    ) -> tuple[str, str] | None:
        """Command and key of the call that failed; None when the script makes fewer calls."""
        runner = ScriptRunner(self.queue.client, self.keys, {name: failing_at(SCRIPTS[name], call)})
        try:
            await runner.run(name, *args, receipt=receipt, traded_event=traded_event)
        except CorruptQueue as error:
            return _named(error)
        return None


def _named(error: CorruptQueue) -> tuple[str, str]:
    found = re.search(r"failing: (\w+) (\S+)", str(error))
    assert found, error
    return found[1], found[2]


class StrangeKeys(Breaking):
    """Gives each key of the script another type in turn; whoever runs it meets this Redis for the first time."""

    async def break_it(self, name: ScriptName, *args: str | int, receipt: str | None, traded_event: str | None) -> None:
        client, copy = self.queue.client, await copy_of(self.queue.client)
        named = {
            "receipt": self.keys.receipt(receipt or ""),
            "traded_event": self.keys.traded_event(traded_event or ""),
        }
        for field in SCRIPTS[name].keys:
            key = named.get(field) or getattr(self.keys, field)
            await client.delete(key)
            is_text = self.keys.types().get(key, "string") == "string"
            await (client.rpush(key, "stranger") if is_text else client.set(key, "stranger"))
            before = await self.digest()
            if await self.is_refused(name, *args, receipt=receipt, traded_event=traded_event):
                self.broken[name] = self.broken.get(name, 0) + 1
                assert await self.digest() == before, f"{name}: {key}"
            await go_back(client, copy)

    async def is_refused(
        self, name: ScriptName, *args: str | int, receipt: str | None, traded_event: str | None
    ) -> bool:
        runner = ScriptRunner(self.queue.client, self.keys, SCRIPTS)
        try:
            await runner.run(name, *args, receipt=receipt, traded_event=traded_event)
        except CorruptQueue:
            return True
        return False


@pytest.mark.parametrize("way", [FailingCalls, StrangeKeys])
async def test_a_broken_script_changes_nothing_or_is_kept_from_running(
    redis_queue: RedisQueue, way: type[Breaking]
) -> None:
    """Every call of every branch of every script, and every key."""
    runner = way(redis_queue)

    for story in STORIES.values():
        await redis_queue.client.flushall()
        await story(queue_of(runner, redis_queue.client, redis_queue.client))

    assert set(runner.broken) >= set(SCRIPT_NAMES) - {"halt"}
    assert all(runner.broken.values())


@pytest.mark.parametrize("field", ["counter", "fence"])
async def test_a_counter_that_does_not_count_is_found_before_the_first_step(
    redis_queue: RedisQueue, field: str
) -> None:
    """It has the right type and fails all the same when it is counted up, which is halfway."""
    key = getattr(redis_queue.keys, field)
    await redis_queue.client.set(key, "stranger")

    with pytest.raises(CorruptQueue, match=key):
        await redis_queue.intake.enqueue(make_event())

    assert await redis_queue.client.keys() == [key]


async def test_keys_are_checked_again_after_a_failure(redis_queue: RedisQueue) -> None:
    """One that appears during the work stops one step; the next is refused whole, until the key has been moved away."""
    await redis_queue.intake.enqueue(make_event("DU1"))
    event = make_event("DU3")
    await redis_queue.client.rename(redis_queue.keys.outbox, "aside")
    await redis_queue.client.set(redis_queue.keys.outbox, "stranger")
    with pytest.raises(CorruptQueue):
        await redis_queue.intake.enqueue(make_event("DU2"))
    before = await dump_all(redis_queue.client)

    with pytest.raises(CorruptQueue, match="must be a stream"):
        await redis_queue.intake.enqueue(event)
    assert await dump_all(redis_queue.client) == before
    await redis_queue.client.rename("aside", redis_queue.keys.outbox)

    assert await redis_queue.intake.enqueue(event) == Queued(event)


@pytest.mark.parametrize("field", ["delayed", "reruns", "ages", "retrying", "recoveries", "outbox", "wake"])
async def test_a_key_put_right_again_leaves_no_slot_behind(redis_queue: RedisQueue, lease: Lease, field: str) -> None:
    """Whatever the failed end of an event had changed by then, its slot takes the next one."""
    key, client = getattr(redis_queue.keys, field), redis_queue.client
    first, second = make_event("DU1"), make_event("DU2")
    await redis_queue.intake.enqueue(first)
    await redis_queue.intake.enqueue(second)
    assert await redis_queue.worker.claim(lease, "0") == first
    was_there = await client.exists(key) and await client.rename(key, "aside")
    await client.set(key, "stranger")
    with suppress(CorruptQueue):
        await redis_queue.worker.complete(lease, "0", first, result={}, claim_next=True)
    await (client.rename("aside", key) if was_there else client.delete(key))

    assert await redis_queue.worker.complete(lease, "0", first, result={}, claim_next=True) == second


async def test_an_end_that_cannot_look_for_a_newer_signal_waits(redis_queue: RedisQueue, lease: Lease) -> None:
    """The end of an event is told once the key is put right: it is looked at before anything is removed."""
    client, event = redis_queue.client, make_event()
    await redis_queue.intake.enqueue(event)
    await redis_queue.worker.claim(lease, "0")
    await client.set(redis_queue.keys.reruns, "stranger")
    before = await dump_all(client)

    with pytest.raises(CorruptQueue):
        await redis_queue.worker.complete(lease, "0", event, result={}, claim_next=False)
    assert await dump_all(client) == before
    await client.delete(redis_queue.keys.reruns)
    await redis_queue.worker.complete(lease, "0", event, result={}, claim_next=False)

    [(_, last)] = await client.xrevrange(redis_queue.keys.outbox, count=1)
    assert last["kind"] == AuditKind.COMPLETED


async def test_an_event_is_recovered_although_its_recoveries_cannot_be_counted(
    redis_queue: RedisQueue, lease: Lease
) -> None:
    """What only decides about a pause must not lose the event between two hands."""
    await redis_queue.intake.enqueue(event := make_event())
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.client.hset(redis_queue.keys.recoveries, str(event.event_id), "stranger")

    await redis_queue.worker.recover(lease, repeat_pause=timedelta())

    assert await redis_queue.worker.claim(lease, "0") == event.requeued()
