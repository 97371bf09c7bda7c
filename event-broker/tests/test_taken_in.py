"""Whether a file was taken in is known from the queue while its event lives, from history after that."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from event_broker.taken_in import TakenIn
from event_broker.testing.manual_rig import watch_over
from event_queue.postgres_audit import PostgresAudit, open_postgres
from event_queue.postgres_pool import PostgresAddress
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event
from event_queue.testing.leading import lead
from event_queue.testing.lost_redis import carry
from event_queue.testing.server_process import free_port
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration


def files_under(folder: Path) -> list[str]:
    """All trigger files, wherever they lie."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*.json")]


class Died(Exception):
    """The process is gone."""


class LaterClock(SystemClock):
    """Five days ahead."""

    def now(self) -> datetime:
        """The later time."""
        return super().now() + timedelta(days=5)


def die(step: str) -> None:
    """End the process that has queued a file, before it can delete it."""
    if step == "queued":
        raise Died


async def run_to_its_end(queue: RedisQueue) -> None:
    """Do what a worker does with one event."""
    lease = await lead(queue.worker)
    event = await queue.worker.claim(lease, "0")
    assert event is not None
    await queue.worker.complete(lease, "0", event, result={}, claim_next=False)


async def test_a_file_that_history_knows_is_deleted_whatever_its_age(
    tmp_path: Path, redis_queue: RedisQueue, audit: PostgresAudit
) -> None:
    """Its event has run, and the queue has forgotten it; one that nobody took in is refused beside it."""
    (tmp_path / "one.json").write_text(json.dumps({"account_id": "DU1"}), encoding="utf-8")
    first, _ = watch_over(tmp_path, redis_queue.intake, step=die)
    with pytest.raises(Died):
        await first.look()
    await run_to_its_end(redis_queue)
    await carry(redis_queue, audit)
    (tmp_path / "two.json").write_text(json.dumps({"account_id": "DU2"}), encoding="utf-8")

    known = TakenIn(redis_queue.admin, audit)
    second, _ = watch_over(tmp_path, redis_queue.intake, clock=LaterClock(), was_taken_in=known)
    await second.look()

    assert files_under(tmp_path) == ["failed/two.json"]


def nobody_listens() -> PostgresAddress:
    """Where no PostgreSQL answers."""
    return PostgresAddress(host="127.0.0.1", port=free_port(), user="nobody", database="none")


async def test_an_event_is_known_while_it_lives_without_history(redis_queue: RedisQueue) -> None:
    """PostgreSQL is away; of an event that nobody holds, it then cannot be told."""
    event = make_event("DU1")
    await redis_queue.intake.enqueue(event)
    async with open_postgres(nobody_listens()) as away:
        was_taken_in = TakenIn(redis_queue.admin, away)

        assert await was_taken_in(event.event_id)
        assert not await was_taken_in(uuid4())
