"""Every script, each time that a story runs it, with its reply lost after Redis has executed it.

Runs with the redis-py of the environment; `test_newest_redis.py` runs it again with the newest one.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from event_queue.errors import QueueUnavailable
from event_queue.keys import QueueKeys
from event_queue.redis_queue import RedisQueue, open_redis, queue_of
from event_queue.script_files import SCRIPT_NAMES, ScriptName, load_scripts
from event_queue.script_runner import ScriptRunner
from event_queue.testing.lossy_proxy import LossyProxy, open_proxy
from event_queue.testing.redis_server import RedisServer
from queue_stories.stories import STORIES
from queue_stories.telling import Answer, answer_of, shipped_scripts, start_of, state_of

pytestmark = pytest.mark.integration

PATIENCE = timedelta(minutes=1)
AT_ONCE = 16
"""Stories told side by side: fewer than the queue has connections, so that none waits for one."""
CLIENTS = ("ours", "redis-py's defaults", "no retries")


class Repeating(ScriptRunner):
    """A caller who asks again himself when no answer comes."""

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        with suppress(QueueUnavailable):
            await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        return await super().run(name, *args, receipt=receipt, traded_event=traded_event)


class Teller(ScriptRunner):
    """Writes down every answer. One of its calls goes the far way, on which the reply is lost; none when it is 0."""

    def __init__(self, near: Any, far: ScriptRunner, proxy: LossyProxy, *, lost_at: int, started: int) -> None:
        super().__init__(near, far.keys, load_scripts(), patience=PATIENCE)
        self.answers: list[Answer] = []
        self._far = far
        self._proxy = proxy
        self._lost_at = lost_at
        self._started = started

    async def run(
        self, name: ScriptName, *args: str | int, receipt: str | None = None, traded_event: str | None = None
    ) -> list[Any]:
        if len(self.answers) + 1 == self._lost_at:
            self._proxy.lose_next_reply()
            reply = await self._far.run(name, *args, receipt=receipt, traded_event=traded_event)
        else:
            reply = await super().run(name, *args, receipt=receipt, traded_event=traded_event)
        self.answers.append(answer_of(name, reply, self._started))
        return reply


@asynccontextmanager
async def client_of(kind: str, server: RedisServer, proxy: LossyProxy) -> AsyncGenerator[Any]:
    """An open client behind the proxy, with the retries that its kind makes."""
    if kind == "ours":
        async with open_redis(replace(server.address, port=proxy.port)) as queue:
            yield queue.client
        return
    retries: dict[str, Any] = {"retry": Retry(NoBackoff(), 0)} if kind == "no retries" else {}
    client: Any = Redis(host="127.0.0.1", port=proxy.port, decode_responses=True, **retries)
    try:
        yield client
    finally:
        await client.aclose()


async def telling(
    queue: RedisQueue, server: RedisServer, story: str, kind: str = "ours", *, lost_at: int = 0
) -> tuple[list[Answer], dict[str, list[object]]]:
    """Tell a story on keys of its own: its answers, and what Redis holds at its end."""
    keys, started = QueueKeys.with_prefix(f"{story}-{lost_at}:"), await start_of(queue.client)
    async with open_proxy(server.port) as proxy, client_of(kind, server, proxy) as far:
        await far.ping()
        runner = Repeating if kind == "no retries" else ScriptRunner
        far_runner = runner(far, keys, load_scripts(), patience=PATIENCE)
        teller = Teller(queue.client, far_runner, proxy, lost_at=lost_at, started=started)
        await STORIES[story](queue_of(teller, queue.client, queue.client))
    assert proxy.lost == (lost_at > 0)
    return teller.answers, await state_of(queue.client, keys, started)


async def test_every_script_is_in_a_story(redis_queue: RedisQueue, redis_server: RedisServer) -> None:
    """A new script needs a story; the stories are what every reply is lost from."""
    told = [await telling(redis_queue, redis_server, story) for story in STORIES]

    assert {name for answers, _ in told for name, _ in answers} == shipped_scripts() == set(SCRIPT_NAMES)


@pytest.mark.parametrize("kind", CLIENTS)
async def test_a_lost_reply_changes_neither_answer_nor_state(
    redis_queue: RedisQueue, redis_server: RedisServer, kind: str
) -> None:
    """Whichever reply is lost, all answers of the story and all keys at its end are those of a telling without loss."""
    without_loss = {story: await telling(redis_queue, redis_server, story) for story in STORIES}

    places = asyncio.Semaphore(AT_ONCE)

    async def tell_with_loss(story: str, lost_at: int) -> None:
        async with places:
            told, left = await telling(redis_queue, redis_server, story, kind, lost_at=lost_at)
        answers, state = without_loss[story]
        lost = f"reply {lost_at} of {story}, to {answers[lost_at - 1][0]}"
        assert told == answers, lost
        assert left == state, lost

    async with asyncio.TaskGroup() as tellings:
        for story, (answers, _) in without_loss.items():
            for number in range(1, len(answers) + 1):
                tellings.create_task(tell_with_loss(story, number))
