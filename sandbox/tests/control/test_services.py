"""The gateway, Ably and the allocations API, steered over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ably as sdk
import pytest

from sandbox.allocations import ChannelAnswer


@pytest.fixture
async def subscriber(rig: Any) -> AsyncIterator[asyncio.Queue[Any]]:
    """Messages that a plain SDK client receives on the channel `growth`."""
    client: Any = sdk.AblyRealtime(key=rig.ably.key, endpoint=rig.ably.endpoint, tls=False)
    messages: asyncio.Queue[Any] = asyncio.Queue()
    await client.channels.get("growth").subscribe(messages.put_nowait)
    yield messages
    await client.close()


async def test_publish_reaches_the_subscriber(rig: Any, subscriber: asyncio.Queue[Any]) -> None:
    """A message published over HTTP arrives as Ably would deliver it."""
    answer = await rig.http.post(
        "/control/publish", json={"channel": "growth", "data": {"exec": "rebalance"}, "name": "n", "id": "chosen"}
    )

    async with asyncio.timeout(5):
        message = await subscriber.get()
    assert (message.data, message.name, message.id) == ({"exec": "rebalance"}, "n", "chosen")
    assert (answer.status_code, answer.json()) == (201, {"id": "chosen", "attached": 1})


@pytest.mark.parametrize(
    ("body", "field"),
    [({"data": {}}, "channel"), ({"channel": ""}, "channel"), ({"channel": "growth", "data": 5}, "data")],
)
async def test_bad_publish(rig: Any, body: dict[str, Any], field: str) -> None:
    """What Ably would not carry is refused with its field."""
    answer = await rig.http.post("/control/publish", json=body)

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)


async def test_body_that_is_no_json(rig: Any) -> None:
    """A broken body is a refusal, not a crash."""
    answer = await rig.http.post("/control/publish", content=b"{")

    assert answer.status_code == 422


async def test_attached_waits(rig: Any, subscriber: asyncio.Queue[Any]) -> None:
    """The wait for subscribers ends when they are there, and at the latest when it was told to."""
    there = await rig.http.get("/control/attached/growth")
    waiting = asyncio.create_task(rig.http.get("/control/attached/growth?count=0"))
    late = await rig.http.get("/control/attached/growth?count=2&timeout=0.05")
    await rig.http.post("/control/ably", json={"action": "refuse"})

    assert there.json() == {"channel": "growth", "attached": 1}
    assert (late.status_code, late.json()["fields"][0]["field"]) == (408, "count")
    assert (await waiting).json()["attached"] == 0
    assert (await rig.http.get("/control/attached")).json() == {"channels": {}}
    assert subscriber.empty()


@pytest.mark.parametrize("action", ["drop", "lose_continuity"])
async def test_dropped_subscriber_comes_back(rig: Any, subscriber: asyncio.Queue[Any], action: str) -> None:
    """Sockets cut over HTTP are reopened by the SDK, and messages flow again."""
    await rig.http.post("/control/ably", json={"action": action})
    async with asyncio.timeout(10):
        await rig.ably.wait_attached("growth", 0)

    assert (await rig.http.get("/control/attached/growth")).json()["attached"] == 1
    await rig.http.post("/control/publish", json={"channel": "growth", "data": "again"})
    async with asyncio.timeout(5):
        assert (await subscriber.get()).data == "again"


async def test_every_ably_action(rig: Any) -> None:
    """Each action is understood; a key is turned away and let in again."""
    key = rig.ably.key
    bodies: list[dict[str, Any]] = [
        *({"action": action} for action in ("refuse", "accept", "unavailable", "available", "black_hole", "heal")),
        {"action": "revoke_key", "key": key},
        {"action": "restore_key", "key": key.partition(":")[0]},
        {"action": "disconnect"},
        {"action": "disconnect", "error": {"code": 80003, "status": 408}},
    ]

    answers = [await rig.http.post("/control/ably", json=body) for body in bodies]

    assert [(answer.status_code, answer.json()["action"]) for answer in answers] == [
        (200, body["action"]) for body in bodies
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"action": "dance"}, ""), ({"action": "revoke_key", "key": "no.such"}, "key"), ({"action": "revoke_key"}, "key")],
)
async def test_bad_ably_action(rig: Any, body: dict[str, Any], field: str) -> None:
    """An unknown action or key is refused."""
    answer = await rig.http.post("/control/ably", json=body)

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"].endswith(field)


async def greeted(rig: Any) -> bool:
    """Whether the gateway answers a client that connects and names its version."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.gateway.port)
    hello = b"v157..178"
    writer.write(b"API\0" + len(hello).to_bytes(4, "big") + hello)
    try:
        async with asyncio.timeout(0.3):
            return bool(await reader.read(4))
    except TimeoutError:
        return False
    finally:
        writer.close()


async def test_gateway_goes_down_and_comes_up(rig: Any) -> None:
    """While the gateway is down nobody connects; later it answers on the same port."""
    port = rig.gateway.port
    assert await greeted(rig)

    answer = await rig.http.post("/control/gateway", json={"state": "down"})
    with pytest.raises(ConnectionRefusedError):
        await greeted(rig)
    await rig.http.post("/control/gateway", json={"state": "up"})

    assert answer.json() == {"state": "down"}
    assert await greeted(rig)
    assert (await rig.http.get("/control/gateway")).json()["port"] == port


async def test_gateway_freezes_and_thaws(rig: Any) -> None:
    """A frozen gateway takes connections and says nothing."""
    await rig.http.post("/control/gateway", json={"state": "frozen"})
    assert not await greeted(rig)

    await rig.http.post("/control/gateway", json={"state": "thawed"})

    assert await greeted(rig)


@pytest.mark.parametrize("state", ["drop", "next_day"])
async def test_gateway_drops_its_clients(rig: Any, state: str) -> None:
    """Cut connections end at once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", rig.gateway.port)
    writer.write(b"API\0\0\0\0\x09v157..178")
    assert await reader.read(4)

    await rig.http.post("/control/gateway", json={"state": state})

    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(4096)
    writer.close()


async def test_gateway_notices(rig: Any) -> None:
    """Notices about the link to the brokerage go out; others are refused."""
    good = await rig.http.post("/control/gateway/notice", json={"code": 1100})
    bad = await rig.http.post("/control/gateway/notice", json={"code": 7})
    unknown = await rig.http.post("/control/gateway", json={"state": "sleepy"})

    assert good.status_code == 200
    assert [entry.details for entry in rig.world.journal.of("control")] == [{"broadcast": 1100}]
    assert (bad.status_code, bad.json()["fields"][0]["field"]) == (422, "code")
    assert (unknown.status_code, unknown.json()["fields"][0]["field"]) == (422, "state")


async def test_allocations(rig: Any) -> None:
    """Answers are read, replaced, written short or long, and removed."""
    before = (await rig.http.get("/control/allocations")).json()["channels"]
    await rig.http.put("/control/allocations/growth", json={"QQQ": 0.5, "SPY": 0.5})
    await rig.http.put("/control/allocations/other", json={"kind": "hang"})

    assert before["growth"]["weights"] == {"SPY": 1.0}
    assert rig.book.answer("growth").weights == {"QQQ": 0.5, "SPY": 0.5}
    assert rig.book.answer("other") == ChannelAnswer(kind="hang")
    assert (await rig.http.get("/control/allocations/other")).json()["kind"] == "hang"

    await rig.http.delete("/control/allocations/other")
    assert (await rig.http.get("/control/allocations/other")).status_code == 404
    assert (await rig.http.get("/control/allocation-requests")).json() == {"requests": []}


async def test_bad_allocations(rig: Any) -> None:
    """A weight that is no number is named by its symbol."""
    answer = await rig.http.put("/control/allocations/growth", json={"weights": {"QQQ": "much"}})

    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "weights.QQQ")


async def test_other_machines_are_turned_away(rig: Any) -> None:
    """The API has no key, so nobody from outside may use it, and nothing is done for them."""
    read = await rig.stranger.get("/control/accounts")
    write = await rig.stranger.post("/control/prices", json={"SPY": 1})

    assert (read.status_code, write.status_code) == (403, 403)
    assert rig.world.price_of("SPY") == 500


async def test_index_and_readme_list_the_same_routes(rig: Any) -> None:
    """The API lists its routes, each once, and the README describes all of them and no other."""
    routes = (await rig.http.get("/control")).json()["routes"]
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

    described = re.findall(r"^\| `((?:GET|PUT|POST|DELETE) /control[^`]*)`", readme, re.MULTILINE)
    served = [re.sub(r":\w+}", "}", name) for name in routes]
    assert sorted(described) == sorted(served)
    assert len(set(served)) == len(served)
