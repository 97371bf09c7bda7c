"""Messages on their way from Ably into the queue, through the real SDK."""

from base64 import b64encode
from collections.abc import Awaitable, Callable

import pytest

from event_broker.testing.listening_rig import ListeningRig, accounts_on, listening
from event_broker.testing.recording_intake import Offer, RecordingIntake
from event_queue.errors import QueueError, QueueUnavailable
from event_queue.events import Command
from sandbox.ably import AblyServer

CHANNEL = "strategy-growth"
Listen = Callable[..., Awaitable[ListeningRig]]


async def test_a_message_becomes_an_event(ably: AblyServer, listen: Listen) -> None:
    """A published signal is queued for its account, recognisable by channel and message id."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    message_id = ably.publish(CHANNEL, {"exec": "rebalance", "note": "monthly"})
    [event] = await rig.intake.wait_taken(1)

    assert (event.account_id, event.exec_command, event.source) == ("DU1", Command.REBALANCE, "ably")
    assert event.data == {"exec": "rebalance", "note": "monthly"}
    message = rig.intake.offers[0].message
    assert message is not None
    assert (message.channel, message.message_id) == (CHANNEL, message_id)
    assert rig.intake.offers[0].remember_while_in_flight


async def test_order_is_kept_while_intake_falters(ably: AblyServer, listen: Listen) -> None:
    """Two hundred messages are taken in the order of their publishing although every fifth is refused at first."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()
    refused: set[object] = set()

    def refuse(offer: Offer) -> QueueError | None:
        number = offer.event.data["number"]
        if number in refused or not isinstance(number, int) or number % 5:
            return None
        refused.add(number)
        return QueueUnavailable("no answer")

    rig.intake.refuse = refuse
    for number in range(200):
        ably.publish(CHANNEL, {"number": number})
    events = await rig.intake.wait_taken(200)

    assert [event.data["number"] for event in events] == list(range(200))
    assert len(rig.intake.offers) == 240
    assert rig.health.report().facts["backlog"] in (0, 1)


async def test_text_objects_bytes_and_nothing_arrive(ably: AblyServer, listen: Listen) -> None:
    """Whatever a publisher sends reaches the payload reader as the publisher meant it."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, '{"exec": "rebalance"}')
    ably.publish(CHANNEL, '{"exec": "rebalance"}', encoding="json")
    ably.publish(CHANNEL, b'{"exec": "rebalance"}')
    ably.publish(CHANNEL, None)
    events = await rig.intake.wait_taken(4)

    live, dry = Command.REBALANCE, Command.PRINT_REBALANCE
    assert [event.exec_command for event in events] == [live, live, live, dry]
    assert [event.data for event in events] == [{"exec": "rebalance"}] * 3 + [{}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"exec": "dry_run", "exec": "rebalance"}', "data: repeats a key"),
        ('{"exec": "rebalance", "n": [1e-400]}', "data.n[0]: is a number smaller than 5e-324, and not zero"),
        ('{"exec": "rebalance", "n": 1e400}', "data.n: is not a finite number"),
    ],
)
@pytest.mark.parametrize("encoding", ["json", "json/utf-8/base64", "json/base64", ""])
async def test_an_object_that_the_sdk_would_change_is_a_dry_run(
    ably: AblyServer, listen: Listen, text: str, problem: str, encoding: str
) -> None:
    """As it is in a file: the SDK itself would keep the last `exec`, and take a tiny number for zero."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, b64encode(text.encode()).decode() if "base64" in encoding else text, encoding=encoding)
    [event] = await rig.intake.wait_taken(1)

    assert event.exec_command is Command.PRINT_REBALANCE
    assert event.data == {"problem": problem, "raw": text}


async def test_a_message_named_error_arrives(ably: AblyServer, listen: Listen) -> None:
    """The one name that breaks the SDK's emitter is heard like any other, once, and so is what follows."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, {"number": 1}, name="error")
    ably.publish(CHANNEL, {"number": 2}, name="signal")
    ably.publish(CHANNEL, {"number": 3}, name="all")
    events = await rig.intake.wait_taken(3)

    assert [event.data["number"] for event in events] == [1, 2, 3]


async def test_an_undecodable_message_is_a_dry_run(ably: AblyServer, listen: Listen) -> None:
    """Text under an encoding that nobody knows is not read as a command."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, '{"exec": "rebalance"}', encoding="json/rot13")
    [event] = await rig.intake.wait_taken(1)

    assert event.exec_command is Command.PRINT_REBALANCE
    assert event.data == {"undecoded": "json/rot13"}


@pytest.mark.parametrize(
    ("encoding", "data"),
    [("base64", "%%%no"), ("json", '{"exec": '), ("utf-8/base64", "/w=="), ("json/base64", "/w=="), ("vcdiff", "x")],
)
async def test_a_message_that_the_sdk_cannot_decode_is_not_lost(
    ably: AblyServer, listen: Listen, encoding: str, data: str
) -> None:
    """The SDK drops its whole frame and tells nobody; here it arrives, in its place, as what cannot be read."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, {"number": 1})
    ably.publish(CHANNEL, data, encoding=encoding)
    ably.publish(CHANNEL, {"number": 2})
    first, broken, second = await rig.intake.wait_taken(3)

    assert (first.data, second.data) == ({"number": 1}, {"number": 2})
    assert broken.exec_command is Command.PRINT_REBALANCE
    assert broken.data == {"undecoded": f"undecodable {encoding.replace('/', ',')}"}


async def test_the_same_message_id_counts_once(ably: AblyServer, listen: Listen) -> None:
    """A message published twice under one id is one message; the next one is another."""
    rig = await listen(DU1=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, {"number": 1}, id="fixed-id:0")
    ably.publish(CHANNEL, {"number": 1}, id="fixed-id:0")
    ably.publish(CHANNEL, {"number": 2})
    events = await rig.intake.wait_taken(2)

    assert [event.data["number"] for event in events] == [1, 2]


async def test_each_channel_has_its_own_accounts(ably: AblyServer, listen: Listen) -> None:
    """Accounts of a channel get its messages in the order of the file, and nobody else's."""
    rig = await listen(DU1=CHANNEL, DU2="strategy-income", DU3=CHANNEL)
    await rig.wait_attached()

    ably.publish(CHANNEL, {"exec": "rebalance"})
    events = await rig.intake.wait_taken(2)
    ably.publish("strategy-income", {})
    await rig.intake.wait_taken(3)

    assert [event.account_id for event in events] == ["DU1", "DU3", "DU2"]


async def test_messages_of_an_absence_arrive_by_rewind_once(ably: AblyServer) -> None:
    """What was published while nobody listened comes with the next start; what came before does not count again."""
    accounts, intake = accounts_on(DU1=CHANNEL), RecordingIntake()
    async with listening(accounts, endpoint=ably.endpoint, key=ably.key, intake=intake) as first:
        await first.wait_attached()
        ably.publish(CHANNEL, {"number": 1})
        await intake.wait_taken(1)
    ably.publish(CHANNEL, {"number": 2})
    ably.publish(CHANNEL, {"number": 3})

    async with listening(accounts, endpoint=ably.endpoint, key=ably.key, intake=intake) as second:
        events = await intake.wait_taken(3)

    assert [event.data["number"] for event in events] == [1, 2, 3]
    assert len(intake.offers) == 4, "the rewind brought the first message a second time"
    assert second.interruptions == []
