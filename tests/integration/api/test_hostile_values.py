"""Values made to break something, in every field that takes one: refused with a reason, and nothing else touched."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

pytestmark = pytest.mark.integration

JSON = {"Content-Type": "application/json"}
HOSTILE = [
    "\x00",
    "DU123456\x00",
    "DU123456\n",
    'DU123456\r\n{"event": "forged"}',
    "\x1b[31mDU123456",
    "\uff24\uff35123456",
    "DU123456\u202e",
    "DU\uff1123456",
    "\ud800",
    "'; DROP TABLE rebalance_events; --",
    "$1); DELETE FROM rebalance_events; --",
    "%s%n{0}{event_id}${jndi:x}",
    "'..redis.call('FLUSHALL')..'",
    "]]..KEYS[1]..[[",
    "*",
    "DU123456:rebalance",
    "../../accounts.yaml",
    "<script>alert(1)</script>",
    "a" * 51,
    "true",
    " DU123456 ",
]
FILTERS = ("account", "command", "status", "from", "to", "limit", "cursor")
DATA: list[tuple[str, int, list[str]]] = [
    ('{"n": 1e400}', 422, ["data.n"]),
    ('{"n": -1e400}', 422, ["data.n"]),
    ('{"n": 1e-400}', 422, ["data.n"]),
    ('{"n": [{"m": -0.' + "0" * 400 + "1}]}", 422, ["data.n[0].m"]),
    ('{"n": NaN}', 422, ["data.n"]),
    ('{"n": [0, Infinity]}', 422, ["data.n[1]"]),
    ('{"n": 1' + "0" * 301 + "}", 422, ["data.n"]),
    ('{"n": {"m": -1' + "0" * 5_000 + "}}", 422, ["data.n.m"]),
    ('{"s": "\\u0000"}', 422, ["data.s"]),
    ('{"\\u0000": 1}', 422, ["data: key"]),
    ('{"s": "\\ud800"}', 422, ["data.s"]),
    ('{"\\udfff": 1}', 422, ["data: key"]),
    ('{"d": ' + "[" * 40 + "]" * 40 + "}", 422, ["data.d" + "[0]" * 31]),
    ('{"d": ' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}", 400, []),
    ('{"d": ' + "[" * 20_000 + "]" * 20_000 + "}", 400, []),
    ('{"exec": "rebalance\\u0000"}', 422, ["data.exec"]),
    ('{"exec": ["print-equity"]}', 422, ["data.exec"]),
    ('{"exec": null}', 422, ["data.exec"]),
    ('{"exec": "print-equity", "exec": "rebalance"}', 400, ["exec"]),
    ("[]", 422, ["data"]),
    ('"exec"', 422, ["data"]),
    ("1e400", 422, ["data"]),
    ("9" * 60_000, 422, ["data"]),
]
CARRIED: list[dict[str, Any]] = [
    {"s": "'; DROP TABLE event_history; --", "t": "]]..redis.call('FLUSHALL')..[["},
    {"line\nbreak": '\x1b[2J\r\n{"event": "forged"}', "deep": {"e": [[[[[1]]]]]}},
    {"big": 10**299, "small": 1e-300, "smallest": 5e-324, "minus": -0.0, "precise": 0.1, "edge": 2**53 + 1},
    {"emoji": "\U0001f4a9", "rtl": "\u202e", "private": "\ue000", "last": "\U0010ffff", "": ""},
    {"__proto__": {}, "constructor": 1, "event_id": "x", "account_id": "y", "times_queued": 99},
    {"wide": "x" * 60_000},
]


@pytest.fixture
async def client(api: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """An operator with the right key."""
    async with api.client() as opened:
        yield opened


@pytest.fixture
async def bystander(client: httpx.AsyncClient) -> str:
    """An event of somebody else."""
    body = {"account_id": "DU789012", "exec_command": "rebalance"}
    return (await client.post("/queue/events", json=body)).json()["event_id"]


async def is_alone(client: httpx.AsyncClient, event_id: str) -> bool:
    """Whether the one event is all there is, untouched."""
    events = (await client.get("/queue/events")).json()
    return [(event["event_id"], event["times_queued"]) for event in events] == [(event_id, 1)]


@pytest.mark.parametrize("value", HOSTILE)
async def test_no_text_gets_anywhere_it_should_not(client: httpx.AsyncClient, bystander: str, value: str) -> None:
    """As an account, a command, a field, an id, a scope, a reason and a limit: refused as the client's mistake."""
    bodies: list[Any] = [
        {"account_id": value, "exec_command": "rebalance"},
        {"account_id": "DU123456", "exec_command": value},
        {"account_id": "DU123456", "exec_command": "rebalance", value: 1},
        {"account_id": "DU123456", "exec_command": "print-equity", "data": {"exec": value}},
        value,
    ]
    text = quote(value.encode("utf-8", "surrogatepass"), safe="")

    answers = [await client.post("/queue/events", content=json.dumps(body).encode(), headers=JSON) for body in bodies]
    answers += [await client.get(f"/queue/events/{text}"), await client.delete(f"/queue/events/{text}")]
    answers += [await client.get(f"/queue/events?{name}={text}") for name in ("limit", "offset")]
    answers += [
        await client.get(f"/events?{name}={text}") for name in FILTERS if name != "account" or not value.isalnum()
    ]
    answers += [await client.get(f"/events?{text}=1"), await client.delete(f"/trading/pauses/{text}")]
    answers += [await client.put(f"/trading/pauses/{text}", json={"reason": "x"})]

    assert all(400 <= answer.status_code < 500 for answer in answers), answers
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert all(answer.json()["errors"][0]["field"] for answer in answers if answer.status_code == 422)
    assert await is_alone(client, bystander)
    assert (await client.get("/trading")).json()["pauses"] == []


@pytest.mark.parametrize(("data", "status", "fields"), DATA, ids=[data[:20] for data, _, _ in DATA])
async def test_no_payload_gets_in_that_a_store_cannot_keep(
    client: httpx.AsyncClient, bystander: str, data: str, status: int, fields: list[str]
) -> None:
    """Refused with the field's name, where JSON itself lets it be found; neither Redis nor PostgreSQL ever sees it."""
    text = f'{{"account_id": "DU123456", "exec_command": "print-equity", "data": {data}}}'

    answer = await client.post("/queue/events", content=text.encode(), headers=JSON)

    assert (answer.status_code, [error["field"] for error in answer.json().get("errors", [])]) == (status, fields)
    assert await is_alone(client, bystander)


@pytest.mark.parametrize("data", CARRIED, ids=lambda data: next(iter(data)))
async def test_a_payload_is_carried_as_it_is(client: httpx.AsyncClient, bystander: str, data: dict[str, Any]) -> None:
    """Whatever it means elsewhere, here it is text: it comes back as it went in."""
    posted = await client.post(
        "/queue/events", json={"account_id": "DU123456", "exec_command": "print-equity", "data": data}
    )
    kept = (await client.get(f"/queue/events/{posted.json()['event_id']}")).json()
    await client.delete(f"/queue/events/{posted.json()['event_id']}")

    assert posted.status_code == 201
    assert kept["data"] == posted.json()["data"] == data
    assert await is_alone(client, bystander)


async def test_a_hostile_header_is_neither_believed_nor_logged(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line of the log is made by a sender, and none is coloured."""
    answer = await client.get(
        "/queue/status%0a%1b[31m%7b%22event%22:%22forged%22%7d",
        headers={"X-Request-Id": "\x1b[31m", "User-Agent": "${jndi:ldap://x}", "X-Forwarded-For": "10.9.9.9"},
    )
    said = capsys.readouterr().out

    assert answer.status_code == 404
    assert "10.9.9.9" not in said
    assert "jndi" not in said


async def test_two_hundred_clients_side_by_side(api: Any, statuses: Callable[[bytes], Sequence[int]]) -> None:
    """Each with a connection of its own, adding, reading and removing: one of 200 twins gets in, none is refused."""
    key = f"Host: x\r\nAuthorization: Bearer {api.key}\r\n"

    async def one(number: int) -> Sequence[int]:
        account = ("DU123456", "DU789012")[number % 2]
        body = json.dumps({"account_id": account, "exec_command": "rebalance"})
        asked = (
            f"POST /queue/events HTTP/1.1\r\n{key}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
            f"GET /queue/status HTTP/1.1\r\n{key}\r\nGET /health/ready HTTP/1.1\r\n{key}\r\n"
            f"DELETE /queue/events/{uuid4()} HTTP/1.1\r\n{key}Connection: close\r\n\r\n"
        )
        return statuses(await api.send(asked.encode(), seconds=110))

    results = await asyncio.gather(*(one(number) for number in range(200)))

    posted, *others = zip(*results, strict=True)
    assert Counter(posted) == {201: 2, 409: 198}
    assert [set(answered) for answered in others] == [{200}, {200}, {404}]


async def test_slow_clients_do_not_hold_up_others(api: Any) -> None:
    """With 200 connections that have sent half a head or half a body, the next client is served as ever."""
    half_head = b"GET /queue/status HTTP/1.1\r\nHost: x\r\nX-Slow: "
    half_body = (
        b"POST /queue/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-right-and-only-key\r\n"
        b'Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{"account_id": '
    )
    writers = [(await asyncio.open_connection(api.host, api.port))[1] for _ in range(200)]
    for number, writer in enumerate(writers):
        writer.write((half_head, half_body)[number % 2])
        await writer.drain()

    async with api.client() as client:
        answers = await asyncio.gather(*(client.get("/queue/status") for _ in range(50)))
        posted = await client.post("/queue/events", json={"account_id": "DU123456", "exec_command": "rebalance"})
    for writer in writers:
        writer.close()

    assert {answer.status_code for answer in answers} == {200}
    assert posted.status_code == 201
