"""POST /queue/events: what is taken, what is refused, and how it is said."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import httpx
import pytest

from event_queue.events import Command, RebalanceEvent
from event_queue.redis_queue import RedisQueue
from service_runtime.settings import TradingMode


async def refuse(client: httpx.AsyncClient, body: object) -> dict[str, str]:
    """Post a body that is refused with 422; the reasons by field."""
    answer = await client.post("/queue/events", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"]: error["reason"] for error in answer.json()["errors"]}


async def test_the_documents_request_gives_the_documents_event(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """A new event is answered with 201, its place, and the fields that the documents show."""
    answer = await client.post("/queue/events", json=body)

    event = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/queue/events/{event['event_id']}"
    assert UUID(event.pop("event_id"))
    assert event == {
        "account_id": "DU123456",
        "exec_command": "rebalance",
        "times_queued": 1,
        "created_at": "2023-12-01T10:00:00Z",
        "source": "api",
        "data": {"exec": "rebalance"},
    }


async def test_what_was_posted_is_queued(
    client: httpx.AsyncClient, redis_queue: RedisQueue, body: dict[str, Any]
) -> None:
    """The queue holds the event with the whole payload."""
    body["data"] = {"exec": "rebalance", "account_config": {"note": "für später", "list": [1, 2.5, None, True]}}

    answer = await client.post("/queue/events", json=body)

    living = await redis_queue.admin.get_event(UUID(answer.json()["event_id"]))
    assert living is not None
    assert living.event.data == body["data"]


@pytest.mark.parametrize("data", [{}, {"note": "no exec"}, None])
async def test_data_need_not_repeat_the_command(client: httpx.AsyncClient, data: dict[str, Any] | None) -> None:
    """Without `data.exec`, or without data, the command alone counts."""
    body = {"account_id": "DU123456", "exec_command": "print-equity"}

    answer = await client.post("/queue/events", json=body if data is None else body | {"data": data})

    assert answer.status_code == 201
    assert answer.json()["data"] == (data or {})


async def test_every_command_is_taken(client: httpx.AsyncClient) -> None:
    """Each of the commands can be queued, side by side for one account."""
    bodies = [{"account_id": "DU123456", "exec_command": command} for command in Command]

    answers = [await client.post("/queue/events", json=body) for body in bodies]

    assert [answer.status_code for answer in answers] == [201] * len(Command)


async def test_a_duplicate_names_its_active_twin(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """The second event of an account and command is refused with the first one's id."""
    first = (await client.post("/queue/events", json=body)).json()

    answer = await client.post("/queue/events", json=body)

    assert answer.status_code == 409
    assert answer.json()["active_event_id"] == first["event_id"]
    assert first["event_id"] in answer.json()["detail"]


async def test_of_fifty_equal_requests_at_once_one_wins(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """However many operators press the button, there is one event, and all others learn its id."""
    answers = await asyncio.gather(*(client.post("/queue/events", json=body) for _ in range(50)))

    created = [answer.json()["event_id"] for answer in answers if answer.status_code == 201]
    named = {answer.json()["active_event_id"] for answer in answers if answer.status_code == 409}
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    assert named == set(created)


async def test_an_unknown_account_is_refused(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """The answer says where accounts are configured, and does not list them."""
    reasons = await refuse(client, body | {"account_id": "DU999999"})

    assert "accounts.yaml" in reasons["account_id"]
    assert "DU789012" not in reasons["account_id"]


async def test_a_disabled_account_is_refused_as_such(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """An account that is switched off is told apart from an unknown one."""
    reasons = await refuse(client, body | {"account_id": "DU000000"})

    assert "disabled" in reasons["account_id"]


@pytest.mark.parametrize(("mode", "account_id"), [(TradingMode.PAPER, "U7654321"), (TradingMode.LIVE, "DU123456")])
async def test_an_account_of_the_other_mode_is_refused(
    connect: Any, body: dict[str, Any], mode: TradingMode, account_id: str
) -> None:
    """A live account cannot be queued for a paper gateway, nor the other way round."""
    reasons = await refuse(connect(trading_mode=mode), body | {"account_id": account_id})

    assert f"TRADING_MODE is {mode}" in reasons["account_id"]


@pytest.mark.parametrize("command", ["sell-everything", "print_rebalance", "REBALANCE", ""])
async def test_an_unknown_command_is_refused_with_the_list(client: httpx.AsyncClient, command: str) -> None:
    """The answer lists the commands there are."""
    reasons = await refuse(client, {"account_id": "DU123456", "exec_command": command})

    assert all(known in reasons["exec_command"] for known in Command)


@pytest.mark.parametrize("contradiction", ["rebalance", "dry_run", "", None, 1, ["print-rebalance"]])
async def test_data_must_not_contradict_the_command(client: httpx.AsyncClient, contradiction: Any) -> None:
    """A preview whose data asks for trading, or for anything else, is refused."""
    body = {"account_id": "DU123456", "exec_command": "print-rebalance", "data": {"exec": contradiction}}

    reasons = await refuse(client, body)

    assert list(reasons) == ["data.exec"]


async def test_all_wrong_fields_are_named_at_once(client: httpx.AsyncClient) -> None:
    """Wrong types, missing fields and unknown fields are each named."""
    reasons = await refuse(client, {"account_id": 123456, "data": [], "times_queued": 5})

    assert set(reasons) == {"account_id", "exec_command", "data", "times_queued"}
    assert reasons["exec_command"] == "is required"


@pytest.mark.parametrize("body", [[], "rebalance", 5, True])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    """Any other JSON value is named as the body's fault."""
    assert list(await refuse(client, body)) == ["body"]


@pytest.mark.parametrize(
    ("fragment", "field"),
    [
        ('{"w": [1, NaN]}', "data.w[1]"),
        ('{"w": 1e999}', "data.w"),
        ('{"w": "\\u0000"}', "data.w"),
        ('{"w": "\\ud800"}', "data.w"),
        ('{"w": ' * 40 + "1" + "}" * 40, "data" + ".w" * 32),
    ],
)
async def test_a_payload_that_could_not_be_kept_is_refused(
    client: httpx.AsyncClient, fragment: str, field: str
) -> None:
    """What PostgreSQL or JSON cannot hold is named by its path."""
    text = f'{{"account_id": "DU123456", "exec_command": "rebalance", "data": {fragment}}}'

    answer = await client.post("/queue/events", content=text, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_half_a_character_is_quoted_back_safely(client: httpx.AsyncClient) -> None:
    """A field whose name cannot be written in UTF-8 is refused like any other."""
    text = '{"account_id": "DU123456", "exec_command": "rebalance", "\\ud800": 1}'

    answer = await client.post("/queue/events", content=text, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


async def test_an_event_in_work_is_no_reason_to_remember_a_request(
    client: httpx.AsyncClient, redis_queue: RedisQueue, lease: Any, body: dict[str, Any]
) -> None:
    """Unlike a signal from Ably, a request for a pair in work is refused, not kept for later."""
    first = (await client.post("/queue/events", json=body)).json()
    held = await redis_queue.worker.claim(lease, "0")
    assert isinstance(held, RebalanceEvent)

    answer = await client.post("/queue/events", json=body)

    follow_up = await redis_queue.worker.complete(lease, "0", held, result={}, claim_next=True)
    assert answer.status_code == 409
    assert answer.json()["active_event_id"] == first["event_id"]
    assert follow_up is None
