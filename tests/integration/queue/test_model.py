"""Random lives of a queue, step by step against a model that fits on a page."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from event_queue.audit import AuditKind
from event_queue.errors import TradingPaused
from event_queue.events import Command, RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import (
    EVERY_ACCOUNT,
    AlreadySeen,
    Deleted,
    Duplicate,
    InProgress,
    IntakeOutcome,
    Lease,
    NotFound,
    Queued,
    Remembered,
)
from event_queue.redis_queue import RedisQueue, open_redis
from event_queue.testing.events import make_event
from event_queue.testing.fake_redis import fake_queue
from event_queue.testing.invariants import check_invariants
from event_queue.testing.leading import lead
from event_queue.testing.redis_server import RedisServer

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(2100, 1, 1, tzinfo=UTC)
SCOPES = st.sampled_from(["DU1", "DU2", EVERY_ACCOUNT])
SLOTS = st.sampled_from(["0", "1"])
ACCOUNTS = st.sampled_from(["DU1", "DU2", "DU3"])
COMMANDS = st.sampled_from([Command.REBALANCE, Command.PRINT_EQUITY])
MESSAGES = st.none() | st.sampled_from(["m1", "m2"])


class Model:
    """What the queue should hold."""

    def __init__(self) -> None:
        self.waiting: list[RebalanceEvent] = []
        self.delayed: list[tuple[datetime, RebalanceEvent]] = []
        self.hands: dict[str, RebalanceEvent] = {}
        self.newer: dict[str, RebalanceEvent] = {}
        self.recoveries: dict[str, int] = {}
        self.seen: set[tuple[str, str]] = set()
        self.paused: set[str] = set()
        self.parked: list[RebalanceEvent] = []

    def living(self) -> list[RebalanceEvent]:
        return [*self.hands.values(), *self.waiting, *(event for _, event in self.delayed), *self.parked]

    def may_trade(self, event: RebalanceEvent) -> bool:
        return not self.paused & {event.account_id, EVERY_ACCOUNT}

    def enqueue(self, event: RebalanceEvent, message: str | None, *, remember: bool) -> IntakeOutcome:
        if message is not None:
            if (event.account_id, message) in self.seen:
                return AlreadySeen(f"c:{message}")
            self.seen.add((event.account_id, message))
        twin = next((other for other in self.living() if other.dedup_key == event.dedup_key), None)
        if twin is None:
            self.waiting.append(event)
            return Queued(event)
        if remember and twin in self.hands.values():
            self.newer[event.dedup_key] = event
            return Remembered(twin.event_id)
        return Duplicate(twin.event_id)

    def promote(self, now: datetime) -> None:
        due = sorted(((at, str(event.event_id), event) for at, event in self.delayed if at <= now), key=lambda x: x[:2])
        self.delayed = [(at, event) for at, event in self.delayed if at > now]
        self.waiting += [event for _, _, event in due]

    def claim(self, slot: str, now: datetime) -> RebalanceEvent | None:
        if slot not in self.hands:
            self.promote(now)
            if self.waiting:
                self.hands[slot] = self.waiting.pop(0)
        return self.hands.get(slot)

    def forget(self, event: RebalanceEvent) -> None:
        self.recoveries.pop(str(event.event_id), None)
        follow_up = self.newer.pop(event.dedup_key, None)
        if follow_up is not None:
            self.waiting.append(follow_up)

    def put(self, event: RebalanceEvent, due: datetime | None) -> None:
        if due is None:
            self.waiting.append(event)
        else:
            self.delayed.append((due, event))

    def remove(self, event: RebalanceEvent) -> None:
        self.waiting = [other for other in self.waiting if other != event]
        self.delayed = [(due, other) for due, other in self.delayed if other != event]
        self.parked = [other for other in self.parked if other != event]
        self.forget(event)


def carried(message: str | None) -> InboundMessage | None:
    return None if message is None else InboundMessage("c", message)


class QueueMachine(RuleBasedStateMachine):
    """Does the same to the queue and to the model."""

    server: RedisServer | None = None

    @initialize()
    def open(self) -> None:
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.model = Model()
        self.queue = self.runner.run(self._open())
        self.lease = self.runner.run(lead(self.queue.worker, ttl=HOUR))
        self.last: tuple[RebalanceEvent, str | None, bool, IntakeOutcome] | None = None

    async def _open(self) -> RedisQueue:
        opened = fake_queue() if self.server is None else open_redis(self.server.address)
        queue = await self.stack.enter_async_context(opened)
        await queue.client.flushall()
        return queue

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    @property
    def now(self) -> datetime:
        """What the clock of Redis says."""
        seconds, _ = self.run(self.queue.client.time())
        return datetime.fromtimestamp(seconds + 1, UTC)

    def run(self, call: Any) -> Any:
        return self.runner.run(call)

    @rule(account=ACCOUNTS, command=COMMANDS, message=MESSAGES, remember=st.booleans())
    def enqueue(self, account: str, command: Command, message: str | None, remember: bool) -> None:
        event = make_event(account, command, data={"message": message})
        answer = self.run(self.queue.intake.enqueue(event, message=carried(message), remember_while_in_flight=remember))
        assert answer == self.model.enqueue(event, message, remember=remember)
        self.last = (event, message, remember, answer)

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeat_the_last_enqueue(self) -> None:
        assert self.last is not None
        event, message, remember, answer = self.last
        assert answer == self.run(
            self.queue.intake.enqueue(event, message=carried(message), remember_while_in_flight=remember)
        )

    @rule(slot=SLOTS)
    def claim(self, slot: str) -> None:
        assert self.run(self.queue.worker.claim(self.lease, slot)) == self.model.claim(slot, self.now)

    @rule(slot=SLOTS, claim_next=st.booleans(), skip=st.booleans(), twice=st.booleans())
    def finish(self, slot: str, claim_next: bool, skip: bool, twice: bool) -> None:
        event = self.model.hands.pop(slot, None)
        if event is None:
            return
        self.model.forget(event)
        expected = self.model.claim(slot, self.now) if claim_next else None
        worker = self.queue.worker
        end = worker.skip if skip else worker.complete
        for _ in range(1 + twice):
            assert self.run(end(self.lease, slot, event, result={}, claim_next=claim_next)) == expected

    @rule(slot=SLOTS, paused=st.booleans(), twice=st.booleans())
    def requeue(self, slot: str, paused: bool, twice: bool) -> None:
        event = self.model.hands.pop(slot, None)
        if event is None:
            return
        pause = HOUR if paused else timedelta()
        for _ in range(1 + twice):
            self.run(self.queue.worker.requeue(self.lease, slot, event, pause=pause, error="x", result={}))
        self.model.put(event.requeued(), self._due(event) if paused else None)

    @rule(slot=SLOTS, far=st.booleans(), twice=st.booleans())
    def delay(self, slot: str, far: bool, twice: bool) -> None:
        event = self.model.hands.pop(slot, None)
        if event is None:
            return
        until = FAR_FUTURE if far else LONG_AGO
        for _ in range(1 + twice):
            self.run(self.queue.worker.delay(self.lease, slot, event, until=until, reason="x"))
        self.model.put(event, until)

    @rule(slot=SLOTS)
    def record(self, slot: str) -> None:
        event = self.model.hands.get(slot)
        if event is None:
            return
        intent = self.queue.worker.record(self.lease, slot, event, AuditKind.ORDER_INTENT, {"order_ref": str(uuid4())})
        if self.model.may_trade(event):
            self.run(intent)
        else:
            with pytest.raises(TradingPaused):
                self.run(intent)

    @rule(slot=SLOTS, twice=st.booleans())
    def park(self, slot: str, twice: bool) -> None:
        event = self.model.hands.pop(slot, None)
        if event is None:
            return
        for _ in range(1 + twice):
            self.run(self.queue.worker.park(self.lease, slot, event, reason="x"))
        if self.model.may_trade(event):
            self.model.put(event, self._due(event))
        else:
            self.model.parked.append(event)

    @rule(scope=SCOPES)
    def pause(self, scope: str) -> None:
        self.run(self.queue.trading.pause(scope, actor="model", reason="x"))
        self.model.paused.add(scope)

    @rule(scope=SCOPES)
    def resume(self, scope: str) -> None:
        lifted = self.run(self.queue.trading.resume(scope, actor="model"))
        assert (lifted is not None) == (scope in self.model.paused)
        self.model.paused.discard(scope)
        released = [event for event in self.model.parked if self.model.may_trade(event)]
        self.model.parked = [event for event in self.model.parked if event not in released]
        for event in released:
            self.model.put(event, self._due(event))

    @rule()
    def take_over_from_a_dead_worker(self) -> None:
        holder = f"worker-{self.lease.fence}"
        lease = self.run(self.queue.worker.acquire_lease(holder, ttl=HOUR, presumed_dead=self.lease.token))
        assert isinstance(lease, Lease)
        assert lease.fence == self.lease.fence + 1
        self.lease = lease
        recovered: list[RebalanceEvent] = self.run(self.queue.worker.recover(lease, repeat_pause=HOUR))
        expected = {event.event_id for event in self.model.hands.values()}
        assert {event.event_id for event in recovered} == expected
        self.model.hands.clear()
        for event in recovered:
            times = self.model.recoveries.get(str(event.event_id), 0) + 1
            self.model.recoveries[str(event.event_id)] = times
            self.model.put(event, self._due(event) if times >= 3 else None)

    def _due(self, event: RebalanceEvent) -> datetime:
        """When a pause counted by the clock of Redis ends; the model only takes over the figure."""
        living = self.run(self.queue.admin.get_event(event.event_id))
        assert living.due_at is not None
        return living.due_at

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        living = self.model.living()
        event = data.draw(st.sampled_from([*living, make_event()])) if living else make_event()
        answer = self.run(self.queue.admin.delete(event.event_id, actor="model"))
        if event in self.model.hands.values():
            assert answer == InProgress()
        elif event in living:
            assert answer == Deleted(event)
            self.model.remove(event)
        else:
            assert answer == NotFound()

    @rule()
    def all_pauses_end(self) -> None:
        """As much time passes as the longest pause, by moving every due time into the past in its order."""
        ordered = sorted(self.model.delayed, key=lambda entry: (entry[0], str(entry[1].event_id)))
        moved = [(LONG_AGO + timedelta(seconds=place), event) for place, (_, event) in enumerate(ordered)]
        for due, event in moved:
            score = int(due.timestamp() * 1000)
            self.run(self.queue.client.zadd(self.queue.keys.delayed, {str(event.event_id): score}))
        self.model.delayed = moved

    @invariant()
    def everything_is_where_the_model_has_it(self) -> None:
        if not hasattr(self, "queue"):
            return
        listed = self.run(self.queue.admin.list_events(1000))
        hands = sorted(str(event.event_id) for event in self.model.hands.values())
        delayed = sorted(self.model.delayed, key=lambda entry: (entry[0], str(entry[1].event_id)))
        expected = [*self.model.waiting, *(event for _, event in delayed)]
        assert {living.event.event_id for living in listed if living.is_parked} == {
            event.event_id for event in self.model.parked
        }
        listed = [living for living in listed if not living.is_parked]
        assert sorted(str(living.event.event_id) for living in listed[: len(hands)]) == hands
        assert [living.event for living in listed[len(hands) :]] == expected
        assert self.run(self.queue.admin.get_event(uuid4())) is None

    @invariant()
    def the_queue_is_sound(self) -> None:
        if hasattr(self, "queue"):
            self.run(check_invariants(self.queue.client, self.queue.keys))


def test_a_random_life_on_the_imitated_redis() -> None:
    """The scripts and the model agree after every step."""
    run_state_machine_as_test(
        type("FakeMachine", (QueueMachine,), {}),
        settings=settings(max_examples=25, stateful_step_count=40, deadline=None),
    )


def test_a_random_life_on_the_real_redis(redis_server: RedisServer) -> None:
    """So do the scripts in the real server."""
    run_state_machine_as_test(
        type("RealMachine", (QueueMachine,), {"server": redis_server}),
        settings=settings(max_examples=25, stateful_step_count=40, deadline=None),
    )
