"""What a Redis takes in that has just come back from an older file, before anybody else has compared the two pasts."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from event_queue.arrival import Arrival
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.outcomes import AlreadySeen, Queued
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_past import PostgresPast
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry
from event_queue.testing.redis_server import RedisServer, running_redis
from event_queue.testing.relays import address_of
from event_queue.testing.server_process import free_port
from event_queue.wary_intake import WaryIntake
from service_runtime.clock import SystemClock

LONG_SECONDS = 30
CLOCK = SystemClock()


@asynccontextmanager
async def wary(
    server: RedisServer, history: PostgresAddress
) -> AsyncGenerator[tuple[WaryIntake, RedisQueue, PostgresAudit]]:
    """The way in of a service that has just started."""
    run = KnownRun()
    async with (
        asyncio.timeout(LONG_SECONDS),
        open_postgres(history) as audit,
        open_redis(server.address, known_run=run) as queue,
    ):
        yield WaryIntake(queue.intake, Mender(queue.mending, audit.past), run), queue, audit


async def test_a_message_is_recognised_at_once(postgres_dsn: str) -> None:
    """Alone or among others: whoever is the first to offer something asks history and lets Redis learn it again."""
    message = InboundMessage("growth", "m1", CLOCK.now())
    with running_redis() as server:
        async with wary(server, address_of(postgres_dsn)) as (intake, queue, audit):
            await intake.enqueue(make_event("DU0"))
            older = server.log
            taken = await intake.enqueue(make_event("DU1"), message=message)
            await carry(queue, audit)

            await asyncio.to_thread(server.start_from, older)
            again = await intake.enqueue(make_event("DU1"), message=message)
            await asyncio.to_thread(server.start_from, older)
            together = await intake.enqueue_all([Arrival(make_event("DU1"), message), Arrival(make_event("DU2"))])

    assert (type(taken), type(again)) == (Queued, AlreadySeen)
    assert [type(answer) for answer in together] == [AlreadySeen, Queued]


async def test_a_crowd_asks_history_once(postgres_dsn: str) -> None:
    """Fifty requests that meet a new run of Redis together begin one epoch of history, not fifty."""
    with running_redis() as server:
        async with wary(server, address_of(postgres_dsn)) as (intake, _, audit):
            before = (await audit.cursor()).epoch
            answers = await asyncio.gather(*(intake.enqueue(make_event(f"DU{number}")) for number in range(50)))
            begun = (await audit.cursor()).epoch - before

    assert {type(answer) for answer in answers} == {Queued}
    assert begun <= 2  # one for the run, one more because it is opened for the first time


class Unasked:
    """A history that must not be asked, because it may hang."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"history was asked: {name}")


async def test_of_a_run_that_somebody_has_compared_nobody_asks_again() -> None:
    """A service that starts while PostgreSQL hangs takes events in at once; a lost counter makes it ask."""
    run, unasked = KnownRun(), cast("PostgresPast", Unasked())
    with running_redis() as server:
        async with (
            asyncio.timeout(LONG_SECONDS),
            open_redis(server.address) as other,
            open_redis(server.address, known_run=run) as queue,
        ):
            await other.intake.enqueue(make_event("DU1"))
            await other.mending.mark_checked(await other.mending.run_id())
            intake = WaryIntake(queue.intake, Mender(queue.mending, unasked), run)
            taken = await intake.enqueue(make_event("DU2"))
            await other.client.delete(other.keys.counter)

            with pytest.raises(AssertionError, match="history was asked"):
                await intake.enqueue(make_event("DU3"))

    assert isinstance(taken, Queued)


async def test_while_history_is_away_events_are_taken_in() -> None:
    """PostgreSQL being away stops nothing."""
    nobody = PostgresAddress(host="127.0.0.1", port=free_port(), user="nobody", database="none")
    with running_redis() as server:
        async with wary(server, nobody) as (intake, _, _):
            await intake.enqueue(make_event("DU1"))
            await asyncio.to_thread(server.start_from, server.log)

            assert isinstance(await intake.enqueue(make_event("DU2")), Queued)
