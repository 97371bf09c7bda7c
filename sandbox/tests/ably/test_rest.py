"""REST as the SDK's AblyRest and plain HTTP use it."""

from collections.abc import Callable
from typing import Any

import ably as sdk
import httpx
import pytest

from sandbox.ably import AblyServer
from sandbox.ably.codec import WireFormat

CHANNEL = "strategy-growth"


async def test_history_newest_first(server: AblyServer, rest: Any) -> None:
    """The SDK reads history with a token: newest first, payloads decoded."""
    server.publish(CHANNEL, {"n": 1}, name="rebalance")
    server.publish(CHANNEL, b"\x01")

    page = await rest.channels.get(CHANNEL).history()

    assert [message.data for message in page.items] == [bytearray(b"\x01"), {"n": 1}]
    assert page.items[1].name == "rebalance"
    assert not page.has_next()


async def test_history_pages(server: AblyServer, rest: Any) -> None:
    """Pages follow one another through the Link header, in either direction."""
    for number in range(5):
        server.publish("a/b c+d", str(number))

    channel = rest.channels.get("a/b c+d")
    first = await channel.history(direction="forwards", limit=2)
    second = await first.next()
    third = await second.next()

    pages = [[message.data for message in page.items] for page in (first, second, third)]
    assert pages == [["0", "1"], ["2", "3"], ["4"]]
    assert third.is_last()
    assert [message.data for message in (await third.first()).items] == ["0", "1"]


async def test_history_between_times(server: AblyServer, rest: Any, clock: Any) -> None:
    """Start and end are inclusive, in milliseconds."""
    for text in ("early", "middle", "late"):
        server.publish(CHANNEL, text)
        clock.seconds += 10

    now_ms = int(clock() * 1000)
    page = await rest.channels.get(CHANNEL).history(start=now_ms - 20_000, end=now_ms - 20_000)

    assert [message.data for message in page.items] == ["middle"]


async def test_messages_are_forgotten_unless_the_channel_persists(server: AblyServer, rest: Any, clock: Any) -> None:
    """After two minutes history is empty, except on a persisted channel."""
    server.publish(CHANNEL, "gone")
    server.publish("kept", "still there")

    clock.seconds += 121

    assert (await rest.channels.get(CHANNEL).history()).items == []
    assert [message.data for message in (await rest.channels.get("kept").history()).items] == ["still there"]


async def test_publish_with_the_sdk(subscribe: Callable[..., Any], rest: Any) -> None:
    """AblyRest publishes one message or several, and they arrive in order."""
    subscriber = await subscribe()

    result = await rest.channels.get(CHANNEL).publish("rebalance", {"exec": "rebalance"})
    await rest.channels.get(CHANNEL).publish([sdk_message("a"), sdk_message("b")])

    assert len(result.serials) == 1
    assert [await subscriber.next_data() for _ in range(3)] == [{"exec": "rebalance"}, "a", "b"]


async def test_publish_with_plain_http(http: httpx.AsyncClient, subscribe: Callable[..., Any]) -> None:
    """JSON and MessagePack bodies, single and list, object data included; a repeated id is not delivered again."""
    subscriber = await subscribe("a/b")
    url = "/channels/a%2Fb/messages"

    first = await http.post(url, json={"id": "one", "data": {"exec": "rebalance"}})
    again = await http.post(url, json={"id": "one", "data": {"exec": "rebalance"}})
    binary = await http.post(
        url,
        content=WireFormat.MSGPACK.pack([{"data": b"\x07"}, {"data": None}]),
        headers={"Content-Type": "application/x-msgpack"},
    )

    assert [answer.status_code for answer in (first, again, binary)] == [201, 201, 201]
    assert first.json()["serials"] == again.json()["serials"]
    assert [await subscriber.next_data() for _ in range(3)] == [{"exec": "rebalance"}, bytearray(b"\x07"), None]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"data": 5}, 400, 40013, id="number"),
        pytest.param({"data": "%%%", "encoding": "base64"}, 400, 40013, id="bad-base64"),
        pytest.param([], 400, 40000, id="nothing"),
        pytest.param("text", 400, 40000, id="no-object"),
        pytest.param({"data": "x" * 70_000}, 413, 40009, id="too-large"),
    ],
)
async def test_bad_publish(http: httpx.AsyncClient, body: Any, status: int, code: int) -> None:
    """A publish that Ably would not take is refused with its code."""
    answer = await http.post(f"/channels/{CHANNEL}/messages", json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "direction=up", "start=then"])
async def test_bad_history_query(http: httpx.AsyncClient, query: str) -> None:
    """A query that makes no sense is refused."""
    answer = await http.get(f"/channels/{CHANNEL}/messages?{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 40000)


async def test_credentials_are_required(server: AblyServer) -> None:
    """Without, with a wrong and with a revoked key there is no history."""
    async with httpx.AsyncClient(base_url=f"http://{server.endpoint}") as nobody:
        url = f"/channels/{CHANNEL}/messages"
        missing = await nobody.get(url)
        wrong = await nobody.get(url, auth=("app.main", "wrong"))
        not_allowed = await nobody.get(url, auth=("app.readonly", "secret-2"))

    assert [answer.json()["error"]["code"] for answer in (missing, wrong, not_allowed)] == [40101, 40101, 40160]
    assert missing.status_code == 401


async def test_token_of_a_wrong_secret_is_refused(server: AblyServer) -> None:
    """A token request signed with another secret is turned away."""
    client: Any = sdk.AblyRest(key="app.main:wrong", endpoint=server.endpoint, tls=False, use_token_auth=True)

    with pytest.raises(Exception, match="40101"):
        await client.auth.authorize()
    await client.close()


async def test_expired_token_is_renewed(server: AblyServer, rest: Any, clock: Any) -> None:
    """After an hour the token is refused with 40142 and the SDK asks for another by itself."""
    server.publish("kept", "kept")
    await rest.channels.get("kept").history()

    clock.seconds += 3601

    assert [message.data for message in (await rest.channels.get("kept").history()).items] == ["kept"]


async def test_token_serves_realtime(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """A realtime client with token authorization subscribes, and survives the reattach that its history call causes."""
    subscriber = await subscribe(use_token_auth=True)
    await subscriber.next_attachment()
    server.publish(CHANNEL, "one")

    history = await subscriber.channel.history()
    server.publish(CHANNEL, "two")

    assert [message.data for message in history.items] == ["one"]
    assert [await subscriber.next_data(), await subscriber.next_data()] == ["one", "two"]


async def test_time(http: httpx.AsyncClient, clock: Any) -> None:
    """The service tells its time in milliseconds."""
    assert (await http.get("/time")).json() == [int(clock() * 1000)]


def sdk_message(data: str) -> Any:
    """A message of the SDK."""
    from ably.types.message import Message  # noqa: PLC0415  # kept beside its only use

    return Message(data=data)
