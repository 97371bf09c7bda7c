"""Pausing and resuming trading over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from event_queue.errors import QueueUnavailable
from event_queue.events import Command, RebalanceEvent
from event_queue.outcomes import EVERY_ACCOUNT, Lease
from event_queue.redis_queue import RedisQueue
from event_queue.testing.memory_audit import MemoryAudit

WHY = {"reason": "the strategy's data looks wrong"}
NewEvent = Callable[..., RebalanceEvent]


class SilentSwitch:
    """A switch whose Redis does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: object, **__: object) -> None:
            raise QueueUnavailable(f"{name}: Redis did not answer")

        return fail


async def test_trading_goes_on_at_first(client: httpx.AsyncClient) -> None:
    """Nothing is paused, and nothing ever was."""
    answer = await client.get("/trading")

    assert answer.status_code == 200
    assert answer.json() == {"paused": False, "pauses": [], "history": []}


@pytest.mark.parametrize(("scope", "internal"), [("all", EVERY_ACCOUNT), ("DU123456", "DU123456")])
async def test_a_pause_holds_until_it_is_lifted(
    client: httpx.AsyncClient, redis_queue: RedisQueue, scope: str, internal: str
) -> None:
    """Putting a pause stops the scope's trading, deleting it restarts it; both answer with the pause."""
    put = await client.put(f"/trading/pauses/{scope}", json=WHY)
    paused = await redis_queue.trading.read()
    shown = (await client.get("/trading")).json()
    deleted = await client.delete(f"/trading/pauses/{scope}")

    assert (put.status_code, deleted.status_code) == (200, 200)
    assert put.json() == deleted.json()
    assert (put.json()["scope"], put.json()["actor"], put.json()["reason"]) == (scope, "api", WHY["reason"])
    assert (shown["paused"], shown["pauses"]) == (scope == "all", [put.json()])
    assert set(paused) == {internal}
    assert await redis_queue.trading.read() == {}


async def test_the_queues_own_word_for_all_is_no_clients(client: httpx.AsyncClient) -> None:
    """A shell may leave a `*` in an address: it neither pauses nor resumes all accounts."""
    await client.put("/trading/pauses/all", json=WHY)

    answers = [await client.put("/trading/pauses/*", json=WHY), await client.delete("/trading/pauses/*")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (await client.get("/trading")).json()["paused"] is True


async def test_putting_a_pause_again_replaces_its_reason(client: httpx.AsyncClient) -> None:
    """The moment stays that of the first."""
    first = (await client.put("/trading/pauses/all", json=WHY)).json()

    again = (await client.put("/trading/pauses/all", json={"reason": "still wrong"})).json()

    assert again == first | {"reason": "still wrong"}


async def test_the_history_of_the_switch_is_shown(client: httpx.AsyncClient, relay: Callable[[], Any]) -> None:
    """Who switched what and why, youngest first."""
    await client.put("/trading/pauses/all", json=WHY)
    await client.delete("/trading/pauses/all")
    await relay()

    history = (await client.get("/trading")).json()["history"]

    assert [(entry["kind"], entry["scope"], entry["reason"]) for entry in history] == [
        ("resumed", "all", None),
        ("paused", "all", WHY["reason"]),
    ]


async def test_the_pauses_are_shown_without_the_history(client: httpx.AsyncClient, audit: MemoryAudit) -> None:
    """PostgreSQL away hides the past, not the present."""
    await client.put("/trading/pauses/all", json=WHY)
    audit.available = False

    shown = (await client.get("/trading")).json()

    assert (shown["paused"], shown["history"]) == (True, None)


async def test_a_misspelt_account_is_told_at_once(client: httpx.AsyncClient, redis_queue: RedisQueue) -> None:
    """Whoever believes an account paused must be right."""
    answer = await client.put("/trading/pauses/DU123457", json=WHY)

    assert answer.status_code == 404
    assert "DU123457 is not an account" in answer.json()["detail"]
    assert await redis_queue.trading.read() == {}


async def test_an_account_that_left_the_file_can_be_resumed(client: httpx.AsyncClient, redis_queue: RedisQueue) -> None:
    """A pause outlives its entry in accounts.yaml, and can still be lifted."""
    await redis_queue.trading.pause("DU999999", actor="ops", reason="sold")

    assert (await client.delete("/trading/pauses/DU999999")).status_code == 200


@pytest.mark.parametrize("scope", ["all", "DU123456", "DU999999", "*"])
async def test_what_is_not_paused_cannot_be_resumed(client: httpx.AsyncClient, scope: str) -> None:
    """The answer says so, and where to look."""
    answer = await client.delete(f"/trading/pauses/{scope}")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET /trading" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": 5}, {"reason": "a\x00b"}, {"reason": "a\nb"}]
)
async def test_a_pause_needs_a_reason(client: httpx.AsyncClient, redis_queue: RedisQueue, body: object) -> None:
    """In one line of plain text."""
    answer = await client.put("/trading/pauses/all", json=body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["reason"]
    assert await redis_queue.trading.read() == {}


@pytest.mark.parametrize("body", [{"reason": "x" * 501}, {"reason": "x", "until": "tomorrow"}, [], "x"])
async def test_another_body_is_refused(client: httpx.AsyncClient, body: object) -> None:
    """Nothing is taken that would not be kept."""
    assert (await client.put("/trading/pauses/all", json=body)).status_code == 422


async def test_a_rebalance_is_taken_under_a_pause_with_a_note(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """It waits, and the answer says why."""
    await client.put("/trading/pauses/all", json=WHY)

    answer = await client.post("/queue/events", json=body)

    assert answer.status_code == 201
    assert answer.json()["note"] == f"trading is paused for DU123456 by api ({WHY['reason']}): the event waits"


@pytest.mark.parametrize("command", [command for command in Command if command is not Command.REBALANCE])
async def test_what_does_not_trade_needs_no_note(client: httpx.AsyncClient, command: Command) -> None:
    """Previews, prints and cancellations go on."""
    await client.put("/trading/pauses/all", json=WHY)

    answer = await client.post("/queue/events", json={"account_id": "DU123456", "exec_command": command})

    assert "note" not in answer.json()


async def test_another_accounts_pause_needs_no_note(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """The event will run."""
    await client.put("/trading/pauses/DU789012", json=WHY)

    assert "note" not in (await client.post("/queue/events", json=body)).json()


async def test_a_parked_event_is_shown_without_a_due_time(
    client: httpx.AsyncClient, redis_queue: RedisQueue, lease: Lease, new_event: NewEvent
) -> None:
    """It is delayed until trading is resumed, whenever that is."""
    event = new_event()
    await redis_queue.intake.enqueue(event)
    await client.put("/trading/pauses/all", json=WHY)
    await redis_queue.worker.claim(lease, "0")
    await redis_queue.worker.park(lease, "0", event, reason="trading is paused")

    (listed,) = (await client.get("/queue/events")).json()
    single = (await client.get(f"/queue/events/{event.event_id}")).json()

    assert (listed["state"], listed["due_at"]) == ("delayed", None)
    assert (single["status"], single["due_at"]) == ("delayed", None)


async def test_health_shows_the_pauses(client: httpx.AsyncClient) -> None:
    """The part is degraded and names them; the verdict, which is about retries, stays."""
    well = (await client.get("/health")).json()["components"]["trading"]
    await client.put("/trading/pauses/DU123456", json=WHY)

    answer = await client.get("/health")

    part = answer.json()["components"]["trading"]
    assert well == {"status": "ok", "detail": "not paused", "age_seconds": 0, "pauses": []}
    assert (answer.status_code, part["status"]) == (200, "degraded")
    assert part["detail"] == f"paused for DU123456 by api: {WHY['reason']}"
    assert [(pause["scope"], pause["reason"]) for pause in part["pauses"]] == [("DU123456", WHY["reason"])]


async def test_a_silent_redis_is_told(connect: Any) -> None:
    """Nobody is told that trading stopped when it is not known to have."""
    client = connect(trading=SilentSwitch())

    answers = [
        await client.get("/trading"),
        await client.put("/trading/pauses/all", json=WHY),
        await client.delete("/trading/pauses/all"),
    ]
    health = (await client.get("/health")).json()

    assert [answer.status_code for answer in answers] == [503] * 3
    assert health["components"]["trading"]["status"] == "unknown"
