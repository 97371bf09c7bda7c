"""An error at any call of any script: nothing has changed by then, or the check at start refuses what causes it."""

import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any

import pytest

from event_queue.errors import CorruptQueue
from event_queue.redis_queue import RedisQueue
from event_queue.script_files import SCRIPT_NAMES, Script, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.lost_redis import copy_of, go_back
from queue_stories.stories import STORIES
from queue_stories.telling import queue_on

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
    """Gives each key of the script another type in turn."""

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
                if await self.digest() != before:
                    with pytest.raises(CorruptQueue):
                        await self.queue.verify()
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
        await story(queue_on(runner, redis_queue.client))

    assert set(runner.broken) >= set(SCRIPT_NAMES) - {"halt"}
    assert all(runner.broken.values())
