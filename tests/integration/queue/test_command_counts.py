"""What each step costs Redis, counted by Redis itself: noise-free, and the same at any length of the queue."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from event_queue.audit import AuditKind
from event_queue.errors import TradingPaused
from event_queue.events import RebalanceEvent
from event_queue.outcomes import Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.events import make_event

pytestmark = pytest.mark.integration

NO_PAUSE = timedelta()
MOST_CALLS = {"enqueue": 12, "duplicate": 12, "claim": 12, "complete": 22, "requeue": 22, "status": 11, "list": 5}
MOST_TRADING_CALLS = {"intent": 10, "fill": 10, "refused": 4, "park": 10, "pause": 6, "resume": 13}
FORBIDDEN = {"keys", "smembers", "hgetall", "scan", "hscan", "sscan", "zscan", "sort"}
Step = Callable[[RedisQueue, Lease], Awaitable[Any]]


async def commands(client: Any) -> Counter[str]:
    stats: dict[str, dict[str, int]] = await client.info("commandstats")
    return Counter({name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()})


async def cost(queue: RedisQueue, step: Awaitable[Any]) -> tuple[Any, Counter[str]]:
    before = await commands(queue.client)
    answer = await step
    spent = await commands(queue.client) - before
    return answer, Counter({name: calls for name, calls in spent.items() if name != "info"})


async def fill(queue: RedisQueue, count: int) -> None:
    for number in range(count):
        await queue.intake.enqueue(make_event(f"A{number}"))


async def measure(queue: RedisQueue, lease: Lease) -> dict[str, Counter[str]]:
    """What a round through the queue costs at its present length."""
    event = make_event("new")
    costs: dict[str, Counter[str]] = {}
    _, costs["enqueue"] = await cost(queue, queue.intake.enqueue(event))
    _, costs["duplicate"] = await cost(queue, queue.intake.enqueue(make_event("new")))
    held, costs["claim"] = await cost(queue, queue.worker.claim(lease, "0"))
    assert isinstance(held, RebalanceEvent)
    requeue = queue.worker.requeue(lease, "0", held, pause=NO_PAUSE, error="", result={})
    _, costs["requeue"] = await cost(queue, requeue)
    held = await queue.worker.claim(lease, "0")
    assert held is not None
    complete = queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    held, costs["complete"] = await cost(queue, complete)
    _, costs["status"] = await cost(queue, queue.admin.status())
    _, costs["list"] = await cost(queue, queue.admin.list_events(5))
    await queue.worker.complete(lease, "0", held, result={}, claim_next=False)
    return costs


async def test_each_step_is_one_script_of_constant_cost(redis_queue: RedisQueue, lease: Lease) -> None:
    """One EVALSHA a step, at most so many commands inside, and no more of them behind 1500 events than behind 10."""
    await fill(redis_queue, 10)
    await measure(redis_queue, lease)  # loads the scripts
    short = await measure(redis_queue, lease)
    await fill(redis_queue, 1500)

    long = await measure(redis_queue, lease)

    assert long == short
    for step, spent in short.items():
        assert spent["evalsha"] == 1, step
        assert spent.total() - 1 <= MOST_CALLS[step], (step, spent)
        assert not FORBIDDEN & set(spent), step


async def refused_intent(queue: RedisQueue, lease: Lease, event: RebalanceEvent) -> None:
    with pytest.raises(TradingPaused):
        await queue.worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "b"})


async def trade_under_a_switch(queue: RedisQueue, lease: Lease, account: str) -> dict[str, Counter[str]]:
    """What an order costs, and what pausing and resuming its account costs."""
    costs: dict[str, Counter[str]] = {}
    worker, switch = queue.worker, queue.trading
    await queue.intake.enqueue(make_event(account))
    while (event := await worker.claim(lease, "0")) is not None and event.account_id != account:
        await worker.complete(lease, "0", event, result={}, claim_next=False)
    assert event is not None
    intent = worker.record(lease, "0", event, AuditKind.ORDER_INTENT, {"order_ref": "a"})
    _, costs["intent"] = await cost(queue, intent)
    fill = worker.record_fill(lease, event.event_id, account, {"order_ref": "a"}, trading_day=date(2025, 6, 24))
    _, costs["fill"] = await cost(queue, fill)
    _, costs["pause"] = await cost(queue, switch.pause(account, actor="ops", reason="news"))
    _, costs["refused"] = await cost(queue, refused_intent(queue, lease, event))
    _, costs["park"] = await cost(queue, worker.park(lease, "0", event, reason=""))
    _, costs["resume"] = await cost(queue, switch.resume(account, actor="ops"))
    return costs


async def test_an_order_is_written_in_one_script_of_constant_cost(redis_queue: RedisQueue, lease: Lease) -> None:
    """Looking at the switch and keeping the trading day costs no round trip of its own, however many are paused."""
    await trade_under_a_switch(redis_queue, lease, "warm")  # loads the scripts
    few = await trade_under_a_switch(redis_queue, lease, "DU1")
    for number in range(300):
        await redis_queue.trading.pause(f"A{number}", actor="ops", reason="news")

    many = await trade_under_a_switch(redis_queue, lease, "DU2")

    assert many == few
    for step, spent in few.items():
        assert spent["evalsha"] == 1, step
        assert spent.total() - 1 <= MOST_TRADING_CALLS[step], (step, spent)


async def test_nothing_the_queue_does_walks_through_all_keys(redis_queue: RedisQueue, lease: Lease) -> None:
    """No script or port uses a command whose cost grows with what Redis holds."""
    _, spent = await cost(redis_queue, _everything_else(redis_queue, lease))

    assert not FORBIDDEN & set(spent)


async def _everything_else(queue: RedisQueue, lease: Lease) -> None:
    event = make_event()
    await queue.intake.enqueue(event)
    await queue.worker.claim(lease, "0")
    await queue.worker.recover(lease, repeat_pause=NO_PAUSE)
    await queue.admin.get_event(event.event_id)
    await queue.components.read()
    await queue.admin.delete(event.event_id, actor="test")
    await queue.trading.pause("DU1", actor="test", reason="")
    await queue.trading.read()
    await queue.trading.resume("DU1", actor="test")
    await queue.worker.last_traded("DU1")
    await queue.worker.age_of(event)
    await queue.outbox.read("0-0", limit=10, block=timedelta(milliseconds=1))
    await queue.verify()
    await queue.worker.renew_lease(lease)


async def test_an_idle_worker_hardly_asks(redis_queue: RedisQueue, lease: Lease) -> None:
    """A wait and the claim behind it are two commands, whatever the length of the wait."""

    async def idle() -> None:
        await redis_queue.worker.await_event(lease, "0", at_most=timedelta(milliseconds=50))

    await idle()
    _, spent = await cost(redis_queue, idle())

    assert spent["evalsha"] == spent["blpop"] == 1
