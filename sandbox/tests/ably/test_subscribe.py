"""What an unchanged SDK client receives."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.ably import AblyServer

CHANNEL = "strategy-growth"
PAYLOADS = [
    pytest.param({"exec": "rebalance"}, None, {"exec": "rebalance"}, id="object"),
    pytest.param([1, "two", None], None, [1, "two", None], id="list"),
    pytest.param('{"exec": "rebalance"}', None, '{"exec": "rebalance"}', id="json-text"),
    pytest.param('{"exec": "rebalance"}', "json", {"exec": "rebalance"}, id="json-text-marked-json"),
    pytest.param("", None, "", id="empty-text"),
    pytest.param(None, None, None, id="null"),
    pytest.param(b"\x00\xff{}", None, bytearray(b"\x00\xff{}"), id="binary"),
    pytest.param("größe ✓", None, "größe ✓", id="unicode"),
]


@pytest.mark.parametrize("binary", [True, False], ids=["msgpack", "json"])
@pytest.mark.parametrize(("data", "encoding", "received"), PAYLOADS)
async def test_payload(
    server: AblyServer, subscribe: Callable[..., Any], binary: bool, data: Any, encoding: str | None, received: Any
) -> None:
    """Every kind of payload arrives in both formats as Ably would deliver it."""
    subscriber = await subscribe(use_binary_protocol=binary)

    server.publish(CHANNEL, data, encoding=encoding)
    message = await subscriber.next_message()

    assert (message.data, type(message.data)) == (received, type(received))


async def test_message_carries_name_id_and_time(server: AblyServer, subscribe: Callable[..., Any], clock: Any) -> None:
    """Name, id and timestamp reach the subscriber; an id without a publisher's choice has three parts."""
    subscriber = await subscribe()

    own_id = server.publish(CHANNEL, "a", name="rebalance")
    server.publish(CHANNEL, "b", id="chosen")
    first, second = await subscriber.next_message(), await subscriber.next_message()

    assert (first.name, first.id, first.timestamp) == ("rebalance", own_id, int(clock() * 1000))
    assert len(own_id.split(":")) == 3
    assert (second.id, second.name) == ("chosen", None)


async def test_repeated_id_is_delivered_once(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """A publish with an id already seen changes nothing."""
    subscriber = await subscribe()

    server.publish(CHANNEL, "once", id="same")
    server.publish(CHANNEL, "twice", id="same")
    server.publish(CHANNEL, "end")

    assert [await subscriber.next_data(), await subscriber.next_data()] == ["once", "end"]


async def test_every_client_gets_every_message_in_order(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """Several clients see the same messages in the order in which they were published."""
    subscribers = [await subscribe() for _ in range(3)]

    for number in range(50):
        server.publish(CHANNEL, str(number))

    for subscriber in subscribers:
        assert [await subscriber.next_data() for _ in range(50)] == [str(number) for number in range(50)]


async def test_channels_are_separate(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """A message reaches only its own channel, whatever characters the name has."""
    odd = "a/b c?d#e%2F+ü:[x]"
    plain, strange = await subscribe(CHANNEL), await subscribe(odd)

    server.publish(odd, "odd")
    server.publish(CHANNEL, "plain")

    assert await plain.next_data() == "plain"
    assert await strange.next_data() == "odd"
    assert server.channels() == {CHANNEL: 1, odd: 1}


async def test_publish_over_realtime(subscribe: Callable[..., Any]) -> None:
    """A realtime client publishes, is acknowledged, and the others receive it with an id of three parts."""
    publisher, subscriber = await subscribe(), await subscribe()

    result = await publisher.channel.publish("rebalance", {"exec": "rebalance"})
    message = await subscriber.next_message()

    assert len(result.serials) == 1
    assert message.data == {"exec": "rebalance"}
    assert message.id == f"{message.connection_id}:0:0"


async def test_detached_client_receives_nothing(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """After detaching, messages stop; after attaching again they go on."""
    subscriber = await subscribe()
    await subscriber.channel.detach()
    assert server.attached(CHANNEL) == 0

    server.publish(CHANNEL, "unheard")
    await subscriber.channel.attach()
    server.publish(CHANNEL, "heard")

    assert await subscriber.next_data() == "heard"


async def test_rewind(server: AblyServer, subscribe: Callable[..., Any], clock: Any) -> None:
    """Rewind delivers what was published before the first attach: by age or by count."""
    server.publish(CHANNEL, "old")
    clock.seconds += 60
    server.publish(CHANNEL, "young")

    by_age = await subscribe(params={"rewind": "30s"})
    by_count = await subscribe(params={"rewind": "2"})

    assert await by_age.next_data() == "young"
    assert [await by_count.next_data(), await by_count.next_data()] == ["old", "young"]


async def test_ping(subscribe: Callable[..., Any]) -> None:
    """The service answers the SDK's ping."""
    subscriber = await subscribe()

    assert await subscriber.client.connection.ping() < 5000


async def test_wait_attached(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """A test can wait for clients to come and to go."""
    waiting = asyncio.create_task(server.wait_attached(CHANNEL, count=2))
    first = await subscribe()
    assert not waiting.done()
    await subscribe()
    async with asyncio.timeout(10):
        await waiting

    await first.client.close()

    async with asyncio.timeout(10):
        await server.wait_attached(CHANNEL)
    assert server.attached(CHANNEL) == 1


async def test_json_text_is_what_the_api_example_sends(server: AblyServer, subscribe: Callable[..., Any]) -> None:
    """Text that happens to be JSON stays text, so a subscriber has to read it itself."""
    subscriber = await subscribe()

    server.publish(CHANNEL, json.dumps({"exec": "dry_run"}))

    assert json.loads(await subscriber.next_data()) == {"exec": "dry_run"}
