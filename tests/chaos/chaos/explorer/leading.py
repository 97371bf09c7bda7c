"""The worker of a schedule: stands by, leads, and treats its lease and its events as the product does."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, cast

from chaos.actors.stage import wall_ms
from chaos.explorer.choices import Fate, Killed
from chaos.explorer.people import Place, patiently
from chaos.observation import Order
from event_processor.attempt import Parked
from event_processor.begun_attempts import BegunAttempts
from event_queue.audit import AuditKind
from event_queue.errors import LeaseLost, QueueHalted
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease, LeaseHeld
from event_queue.redis_worker import RedisWorkerQueue

_LEASE: Final = timedelta(minutes=10)
_PAUSE: Final = timedelta(minutes=30)
_AT_ONCE: Final = timedelta(0)
_LEGS: Final = ("SELL", "BUY")
_STANDS_STILL: Final = 0.2
"""How often a worker stands still right before an order, while everybody else goes on."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A lease that may be used, and when it was had."""

    lease: Lease
    asked_in: int
    """Lengths that had passed when it was asked for."""
    since_ms: float


@dataclass(slots=True)
class Process:
    """One life of a worker."""

    place: Place
    name: str
    holder: str
    counts_on: int = -1
    """Lengths that had passed when its last lease was granted: until the next one it counts on it."""
    begun: BegunAttempts = field(default_factory=BegunAttempts)

    @property
    def worker(self) -> RedisWorkerQueue:
        """Its side of the queue."""
        return self.place.queue.worker

    async def lead_whenever_possible(self) -> None:
        """Until killed."""
        while True:
            hold = await self._acquire()
            if hold is not None:
                try:
                    await self._lead(hold)
                except LeaseLost:
                    continue

    async def _acquire(self) -> Hold | None:
        asked_in = self.place.time.lengths
        lease = await self._ask("")
        if isinstance(lease, LeaseHeld) and lease.token.startswith(f"{self.name}."):
            lease = await self._ask(lease.token)  # of an earlier life of this process, which is over
        if isinstance(lease, LeaseHeld):
            self.counts_on = -1
            return None
        if not (lease.is_sole or self.counts_on == self.place.time.lengths):
            asked_in = await self._hold_unused(lease)
        self.counts_on = asked_in
        return Hold(lease, asked_in, wall_ms()) if asked_in >= 0 else None

    async def _ask(self, presumed_dead: str) -> Lease | LeaseHeld:
        return await patiently(
            lambda: self.worker.acquire_lease(self.holder, ttl=_LEASE, presumed_dead=presumed_dead or None)
        )

    async def _hold_unused(self, lease: Lease) -> int:
        """Hold a lease until a length has passed, and begin to use it; -1 when it was lost."""
        time = self.place.time
        began = time.lengths
        time.held_unused.add(lease.token)
        try:
            while time.lengths == began:
                await patiently(lambda: self.worker.renew_lease(lease))
            asked_in = time.lengths
            await patiently(lambda: self.worker.renew_lease(replace(lease, is_sole=True)))
        except LeaseLost:
            return -1
        finally:
            time.held_unused.discard(lease.token)
        return asked_in

    async def _lead(self, hold: Hold) -> None:
        await patiently(lambda: self.worker.recover(hold.lease, repeat_pause=_PAUSE))
        while True:
            event = await patiently(lambda: self.worker.claim(hold.lease, "0"))
            while event is not None:
                event = await self._attempt(hold, event)

    async def _attempt(self, hold: Hold, event: RebalanceEvent) -> RebalanceEvent | None:
        """One attempt, as the event's data say; the next event, when one was claimed with its end."""
        self.begun.begin(event)
        script = cast("Sequence[str]", event.data["script"])
        step = script[min(event.times_queued, len(script)) - 1]
        for leg in _LEGS:
            details = {"order_ref": f"{event.event_id}:{event.times_queued}:{leg}"}
            try:
                await patiently(
                    lambda details=details: self.worker.record(hold.lease, "0", event, AuditKind.ORDER_INTENT, details)
                )
            except QueueHalted as halted:
                await self._set_aside(hold, event, str(halted), orders_sent=leg != _LEGS[0])
                return None
            await self._send(hold, Order(details["order_ref"], event.account_id, 0, hold.lease.fence, hold.since_ms))
        if step == "fail":
            await patiently(
                lambda: self.worker.requeue(hold.lease, "0", event, pause=_PAUSE, error="as scripted", result={})
            )
            return None
        end = self.worker.skip if step == "skip" else self.worker.complete
        claim_next = self.place.chance.random() < 0.5
        return await patiently(lambda: end(hold.lease, "0", event, result={}, claim_next=claim_next))

    async def _send(self, hold: Hold, order: Order) -> None:
        """Stand before the order for as long as the seed likes, and send it unless the lease may have ended.

        Raises:
            LeaseLost: it may.
        """
        stands_still = self.place.chance.random() < _STANDS_STILL
        fate = await self.place.choices.turn("order", stands_still=stands_still)
        if hold.asked_in != self.place.time.lengths:
            raise LeaseLost("a whole length has passed since the lease was asked for")
        if fate is not Fate.LOST:
            self.place.orders.append(replace(order, at_ms=wall_ms()))
        if fate is Fate.KILLED_AFTER:
            raise Killed

    async def _set_aside(self, hold: Hold, event: RebalanceEvent, reason: str, *, orders_sent: bool) -> None:
        """An event that may not trade now is counted when it may have sent an order."""
        if orders_sent:
            await patiently(
                lambda: self.worker.requeue(hold.lease, "0", event, pause=_AT_ONCE, error=reason, result={})
            )
        else:
            await patiently(lambda: self.worker.park(hold.lease, "0", event, reason=reason))
            self.begun.end(event, Parked(reason, orders_sent=False))


async def work(place: Place, name: str) -> None:
    """Live as a worker until killed."""
    place.lives += 1
    await Process(place, name, f"{name}.{place.lives}").lead_whenever_possible()
