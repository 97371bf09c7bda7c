"""Runs the queue's scripts: one round trip each, by digest, loading a script again when Redis has forgotten it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from event_queue.errors import CorruptQueue, QueueError, QueueUnavailable
from event_queue.keys import QueueKeys
from event_queue.redis_errors import translate, translated
from event_queue.redis_key_types import verify_keys
from event_queue.script_files import Script, ScriptName

_OF_ONE_CALL: Final = ("receipt", "traded_event")
"""Keys that each call names, in the order in which scripts declare them: before all others."""
_STEPS: Final = frozenset({"counter", "fence", "wake", "spilled"})
"""Keys of the scripts that write several, and must not stop between them."""
_READERS: Final[frozenset[ScriptName]] = frozenset({"survey"})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a script among many; see `ScriptRunner.run`."""

    args: tuple[str | int, ...]
    receipt: str | None = None


class ScriptRunner:
    """Runs scripts on one Redis for one set of keys.

    A key of another type would stop a script halfway. So the types of all keys are checked before the first script
    that writes several of them, and again after every failure: Redis may be another one by then.
    """

    def __init__(
        self,
        client: "Redis",
        keys: QueueKeys,
        scripts: Mapping[ScriptName, Script],
        *,
        patience: timedelta = timedelta(seconds=9),
    ) -> None:
        """Take an open client, a `QuickClient` or like it, which stays the caller's to close, and the loaded scripts.

        The client bounds single commands; `patience` bounds what takes several, with all the repetitions inside it.
        """
        self.keys = keys
        self._client: Any = client
        self._scripts = scripts
        self._patience_seconds = patience.total_seconds()
        self._guarded = frozenset(
            name for name, script in scripts.items() if _STEPS.intersection(script.keys) and name not in _READERS
        )
        self._is_checked = False
        self._fixed_keys = {
            name: tuple(getattr(keys, key) for key in script.keys if key not in _OF_ONE_CALL)
            for name, script in scripts.items()
        }

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        """Run a script and return its reply.

        Args:
            name: the script.
            *args: its arguments, in the order its file describes.
            receipt: name of the receipt, for the scripts that keep one.
            traded_event: id of the event, for the scripts that keep or need its body beyond its end.

        Raises:
            QueueUnavailable: no answer; the script may or may not have run, and may be run again.
            QueueFull: Redis refused the script's first write because of its memory limit.
            CorruptQueue: a key has the wrong type, or the script failed.
        """
        keys = self._keys_of(name, receipt, traded_event)
        try:
            with translated(name):
                if name in self._guarded and not self._is_checked:
                    await self._check()
                return await self._execute(self._scripts[name], keys, args)
        except (QueueUnavailable, CorruptQueue):
            self._is_checked = False
            raise

    async def run_all(self, name: ScriptName, runs: Sequence[Run]) -> Sequence[list[Any] | QueueError]:
        """Run a script many times in one round trip, in the order given; each run is a step of its own.

        Returns:
            The reply to each run, or the error that `run` would have raised. One that failed stops none behind it.

        Raises:
            QueueUnavailable: no answer; any of them may or may not have run, and all may be run again.
        """
        try:
            with translated(name):
                if name in self._guarded and not self._is_checked:
                    await self._check()
                async with asyncio.timeout(self._patience_seconds):
                    replies = await self._execute_all(name, runs)
        except (QueueUnavailable, CorruptQueue):
            self._is_checked = False
            raise
        answers = [translate(reply, name) if isinstance(reply, ResponseError) else reply for reply in replies]
        if any(isinstance(answer, QueueUnavailable | CorruptQueue) for answer in answers):
            self._is_checked = False
        return answers

    async def run_behind(
        self, wait: tuple[str, ...], name: ScriptName, *args: str | int, blocking: "Redis"
    ) -> list[Any]:
        """Run a script in the moment in which a command that blocks has ended: both are sent at once.

        Args:
            wait: the command that blocks, with its arguments.
            name: the script, which keeps no receipt.
            *args: its arguments, in the order its file describes.
            blocking: the client whose connection may be blocked; it takes several commands together.

        Raises:
            As `run`. Whatever is raised, the script may have run; cancelled, it may still run for as long as Redis has
            not noticed that the connection was closed.
        """
        keys = self._keys_of(name, None)
        try:
            with translated(name):
                if name in self._guarded and not self._is_checked:
                    await self._check()
                return await self._execute_behind(wait, self._scripts[name], keys, args, blocking)
        except (QueueUnavailable, CorruptQueue):
            self._is_checked = False
            raise

    def _keys_of(self, name: ScriptName, receipt: str | None, traded_event: str | None = None) -> tuple[str, ...]:
        keys = self._fixed_keys[name]
        if traded_event is not None:
            keys = (self.keys.traded_event(traded_event), *keys)
        return keys if receipt is None else (self.keys.receipt(receipt), *keys)

    async def _check(self) -> None:
        async with asyncio.timeout(self._patience_seconds):
            await verify_keys(self._client, self.keys)
        self._is_checked = True

    async def _execute_all(self, name: ScriptName, runs: Sequence[Run]) -> list[Any]:
        replies = await self._send_all(name, runs, brings_text=False)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            # Those that did run may run again, so all are sent again, and keep their order.
            return await self._send_all(name, runs, brings_text=True)
        return replies

    async def _send_all(self, name: ScriptName, runs: Sequence[Run], *, brings_text: bool) -> list[Any]:
        script = self._scripts[name]
        calls: list[tuple[str | int, ...]] = []
        for position, run in enumerate(runs):
            keys = self._keys_of(name, run.receipt)
            call = ("EVAL", script.text) if brings_text and position == 0 else ("EVALSHA", script.sha)
            calls.append((*call, len(keys), *keys, *run.args))
        return await self._client.execute_all(calls)

    async def _execute(self, script: Script, keys: tuple[str, ...], args: tuple[str | int, ...]) -> list[Any]:
        try:
            return await self._client.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
        except NoScriptError:
            return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *args)

    async def _execute_behind(
        self,
        wait: tuple[str, ...],
        script: Script,
        keys: tuple[str, ...],
        args: tuple[str | int, ...],
        blocking: Any,
    ) -> list[Any]:
        try:
            replies = await blocking.execute_together(wait, ("EVALSHA", script.sha, len(keys), *keys, *args))
        except RedisConnectionError:
            # It may have run. Run again, and without a wait, it tells what it did.
            return await self._execute(script, keys, args)
        if isinstance(replies[1], NoScriptError):
            return await self._execute(script, keys, args)
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies[1]
