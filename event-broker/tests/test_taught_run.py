"""A Redis that went back in time learns what it has taken in before, and then takes signals in."""

from pathlib import Path
from typing import Any

import pytest

from event_broker.history_keeper import HistoryKeeper
from event_broker.past_gate import GatedIntake, PastGate
from event_broker.spill_keeper import SpillKeeper
from event_queue.errors import QueueClosed
from event_queue.inbound_message import InboundMessage
from event_queue.known_run import KnownRun
from event_queue.mender import Mender
from event_queue.outcomes import AlreadySeen
from event_queue.postgres_audit import PostgresAudit
from event_queue.redis_queue import RedisQueue
from event_queue.spill import Spill
from event_queue.testing.events import make_event
from event_queue.testing.lost_redis import carry, copy_of, go_back
from event_queue.testing.relays import relay_of
from service_runtime.clock import SystemClock

pytestmark = pytest.mark.integration

CLOCK = SystemClock()
MESSAGE = InboundMessage("growth", "m1", CLOCK.now())


class Teaching(Mender):
    """Offers a message amid the teaching, before anything is taught."""

    async def remember(self) -> None:
        """See Mender."""
        with pytest.raises(QueueClosed, match="learns first"):
            await self.intake.enqueue(make_event("DU1"), message=MESSAGE)
        await super().remember()

    intake: GatedIntake


async def test_no_signal_is_taken_in_while_redis_learns_what_it_has_seen(
    redis_queue: RedisQueue, audit: PostgresAudit, tmp_path: Path
) -> None:
    """One that comes amid the teaching, and is not taught yet, would count again."""
    await redis_queue.intake.enqueue(make_event("DU0"))
    old = await copy_of(redis_queue.client)
    await redis_queue.intake.enqueue(make_event("DU1"), message=MESSAGE)
    await carry(redis_queue, audit)
    gate, mender = PastGate(KnownRun()), Teaching(redis_queue.mending, audit.past)
    mender.intake = GatedIntake(redis_queue.intake, gate)
    spill = Spill(tmp_path / "spill", host="here")
    files = SpillKeeper(spill, mender, carry=relay_of(redis_queue.outbox, audit, spill=spill).carry_files)
    keeper: Any = HistoryKeeper(mender, redis_queue.mending, files, gate, CLOCK)

    await keeper._look()
    await go_back(redis_queue.client, old)
    await keeper._look()

    assert isinstance(await mender.intake.enqueue(make_event("DU1"), message=MESSAGE), AlreadySeen)
