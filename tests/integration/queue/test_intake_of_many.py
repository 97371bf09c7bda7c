"""Many events offered together to a Redis whose replies are lost, or whose memory ends amid them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from event_queue.arrival import Answer, Arrival
from event_queue.errors import CorruptQueue, QueueError, QueueFull, QueueUnavailable
from event_queue.events import RebalanceEvent
from event_queue.keys import QueueKeys
from event_queue.outcomes import Queued
from event_queue.redis_intake import RedisIntake
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.script_files import ScriptName, load_scripts
from event_queue.script_runner import Run, ScriptRunner
from event_queue.testing.events import make_event
from event_queue.testing.lossy_proxy import LossyProxy, open_proxy
from event_queue.testing.redis_server import RedisServer, running_redis

pytestmark = pytest.mark.integration

MANY = 120
"""Three round trips."""
TRIES = 3
"""How often our client asks for one reply, on connections that it may try as often to open."""
LARGE = {"note": "x" * 1000}


class LosingRunner(ScriptRunner):
    """Loses the replies to one round trip, and to some of the repetitions that the client makes of it."""

    def __init__(self, client: Any, proxy: LossyProxy, *, lost_at: int, times: int) -> None:
        super().__init__(client, QueueKeys.with_prefix(), load_scripts())
        self._proxy = proxy
        self._lost_at = lost_at
        self._times = times
        self._trips = 0

    async def run_all(self, name: ScriptName, runs: Sequence[Run]) -> Sequence[list[Any] | QueueError]:
        self._trips += 1
        for _ in range(self._times if self._trips == self._lost_at else 0):
            self._proxy.lose_next_reply()
        return await super().run_all(name, runs)


async def offer_with_loss(
    server: RedisServer, events: Sequence[RebalanceEvent], *, lost_at: int, times: int
) -> Sequence[Answer]:
    """Offer the events over connections that lose the replies to one round trip, so many times."""
    async with open_proxy(server.port) as proxy, open_redis(replace(server.address, port=proxy.port)) as far:
        await far.verify()
        intake = RedisIntake(LosingRunner(far.client, proxy, lost_at=lost_at, times=times))
        answers = await intake.enqueue_all([Arrival(event) for event in events])
    assert proxy.lost == times
    return answers


async def in_line(queue: RedisQueue) -> list[RebalanceEvent]:
    return [living.event for living in await queue.admin.list_events(1000)]


def many_events() -> list[RebalanceEvent]:
    return [make_event(f"DU{number}", data=LARGE) for number in range(MANY)]


@pytest.mark.parametrize("lost_at", [1, 2, 3])
async def test_a_lost_reply_amid_a_batch_changes_nothing(
    redis_queue: RedisQueue, redis_server: RedisServer, lost_at: int
) -> None:
    """The client asks again for the whole round trip; every event is queued once, in its order, and told so."""
    events = many_events()

    answers = await offer_with_loss(redis_server, events, lost_at=lost_at, times=1)

    assert answers == [Queued(event) for event in events]
    assert await in_line(redis_queue) == events
    assert await redis_queue.outbox.length() == MANY


async def test_who_gets_no_answer_offers_the_batch_again(redis_queue: RedisQueue, redis_server: RedisServer) -> None:
    """Where no reply comes at all, those before are known to be queued, the others unknown; all may come again."""
    events = many_events()

    answers = await offer_with_loss(redis_server, events, lost_at=2, times=1 + (TRIES - 1) * TRIES)
    again = await redis_queue.intake.enqueue_all([Arrival(event) for event in events])

    unknown = [isinstance(answer, QueueUnavailable) for answer in answers]
    assert unknown == [False] * 50 + [True] * 70
    assert answers[:50] == [Queued(event) for event in events[:50]]
    assert again == [Queued(event) for event in events]
    assert await in_line(redis_queue) == events
    assert await redis_queue.outbox.length() == MANY


async def test_each_event_of_a_batch_is_one_script(redis_queue: RedisQueue) -> None:
    """A batch runs the script that Redis knows once for each event, and sends its text no second time."""
    await redis_queue.intake.enqueue(make_event("first"))
    await redis_queue.client.config_resetstat()

    await redis_queue.intake.enqueue_all([Arrival(event) for event in many_events()])

    stats = await redis_queue.client.info("commandstats")
    assert stats["cmdstat_evalsha"]["calls"] == MANY
    assert "cmdstat_eval" not in stats


async def test_memory_that_ends_amid_a_batch_refuses_only_the_rest() -> None:
    """Each event is taken whole or refused whole; the refused ones are their caller's, and may come again."""
    with running_redis() as server:
        async with open_redis(server.address) as queue:
            await queue.intake.enqueue(make_event("first"))
            used = (await queue.client.info("memory"))["used_memory"]
            await queue.client.config_set("maxmemory", used + 200_000)
            events = many_events()

            answers = await queue.intake.enqueue_all([Arrival(event) for event in events])

            await queue.client.config_set("maxmemory", 0)
            refused = [event for event, answer in zip(events, answers, strict=True) if isinstance(answer, QueueFull)]
            accepted = [answer.event for answer in answers if isinstance(answer, Queued)]
            assert accepted
            assert refused
            assert len(accepted) + len(refused) == MANY
            assert (await in_line(queue))[1:] == accepted
            again = await queue.intake.enqueue_all([Arrival(event) for event in refused])
            assert again == [Queued(event) for event in refused]
            assert (await in_line(queue))[1:] == accepted + refused
            assert await queue.outbox.length() == MANY + 1


async def test_a_redis_that_is_not_in_order_answers_for_each_event(redis_queue: RedisQueue) -> None:
    """Whoever offers them learns it as from any refusal, and they come in once the key is put right."""
    events = [make_event("DU1"), make_event("DU2")]
    await redis_queue.client.set(redis_queue.keys.queue, "no list")

    refused = await redis_queue.intake.enqueue_all([Arrival(event) for event in events])
    await redis_queue.client.delete(redis_queue.keys.queue)
    answers = await redis_queue.intake.enqueue_all([Arrival(event) for event in events])

    assert [type(answer) for answer in refused] == [CorruptQueue] * 2
    assert answers == [Queued(event) for event in events]
