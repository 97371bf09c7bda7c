"""What the broker makes of an Ably that refuses, drops, forgets or falls silent."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from event_broker.testing.listening_rig import SHORT, ListeningRig, accounts_on, listening
from event_queue.components import ComponentReport, ComponentState
from sandbox.ably import AblyError, AblyServer

CHANNEL = "strategy-growth"
Listen = Callable[..., Awaitable[ListeningRig]]

pytestmark = pytest.mark.filterwarnings(
    "ignore:The 'warn' method is deprecated:DeprecationWarning"  # the SDK's own log call
)


async def hears(ably: AblyServer, rig: ListeningRig, number: int) -> None:
    """Assert that a message published now is the next one taken."""
    await rig.wait_attached()
    taken = len(rig.intake.taken)
    ably.publish(CHANNEL, {"number": number})
    events = await rig.intake.wait_taken(taken + 1)
    assert events[-1].data == {"number": number}


def down_reports(rig: ListeningRig) -> int:
    """How often the connection was told to be down."""
    return sum(past.state is ComponentState.DOWN for past in rig.reports)


def code_of(report: ComponentReport) -> int:
    """Ably's code of the last error."""
    code: int = report.facts["last_error"]["code"]
    return code


async def test_a_refused_key_is_told_and_tried_again(ably: AblyServer, listen: Listen) -> None:
    """With a key that Ably does not know the report says so in words; when it becomes valid, all is well by itself."""
    ably.revoke_key(ably.key)
    rig = await listen(DU1=CHANNEL)

    refused = await rig.wait_health(lambda report: report.state is ComponentState.DOWN, within=5)
    ably.restore_key(ably.key)
    await hears(ably, rig, 1)

    assert "Ably refused the key: 40101" in refused.detail
    assert "ABLY_API_KEY" in refused.detail
    assert refused.facts["last_error"]["code"] == 40101
    assert "secret" not in str(refused)


async def test_a_key_revoked_at_work_is_told_at_once(ably: AblyServer, listen: Listen) -> None:
    """A key that is revoked while connected ends the connection; signals of that time come after it is restored."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.revoke_key(ably.key)
    refused = await rig.wait_health(lambda report: report.state is ComponentState.DOWN, within=5)
    ably.publish(CHANNEL, {"number": 2})
    ably.restore_key(ably.key)
    events = await rig.intake.wait_taken(2)

    assert refused.facts["channels"] == {CHANNEL: "detached"}
    assert [event.data["number"] for event in events] == [1, 2]


@pytest.mark.parametrize("status", [None, 500, 503, 504])
async def test_a_zombie_is_found_and_replaced(ably: AblyServer, listen: Listen, status: int | None) -> None:
    """A connection that is dead while the SDK calls it connected is found by a ping, and nothing is lost."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.send_disconnected(AblyError.with_code(50003, status, "busy") if status else None)
    await rig.wait_health(lambda report: report.state is ComponentState.DOWN)
    ably.publish(CHANNEL, {"number": 2})
    events = await rig.intake.wait_taken(2)
    report = await rig.wait_attached()

    assert [event.data["number"] for event in events] == [1, 2]
    assert report.facts["reconnects"] == 1
    assert any("stopped answering" in past.detail for past in rig.reports)


async def test_silence_is_found_and_survived(ably: AblyServer, listen: Listen) -> None:
    """An Ably that keeps the socket open and says nothing is left for a new connection once it speaks again."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.black_hole()
    ably.publish(CHANNEL, {"number": 2})
    silent = await rig.wait_health(lambda report: report.state is ComponentState.DOWN)
    ably.heal()
    events = await rig.intake.wait_taken(2)
    await hears(ably, rig, 3)

    assert "stopped answering" in silent.detail
    assert [event.data["number"] for event in events] == [1, 2, 3]


async def test_a_restart_of_ably_is_survived(ably: AblyServer, listen: Listen) -> None:
    """While Ably refuses connections the report says so; what was published meanwhile comes when it is back."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    await ably.refuse()
    unreachable = await rig.wait_health(lambda report: report.state is ComponentState.DOWN)
    ably.publish(CHANNEL, {"number": 2})
    await ably.accept()
    events = await rig.intake.wait_taken(2)
    await rig.wait_attached()

    assert "cannot be reached" in unreachable.detail
    assert [event.data["number"] for event in events] == [1, 2]


async def test_tries_to_connect_leave_nothing_behind(ably: AblyServer, listen: Listen) -> None:
    """The SDK leaks a task for each refused connection; with a new client for each try none outlives it."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)
    tasks = len(asyncio.all_tasks())

    await ably.refuse()
    for count in range(1, 6):
        await rig.wait_health(lambda report, least=count: down_reports(rig) >= least and bool(report))
    await ably.accept()
    await hears(ably, rig, 2)

    assert len(asyncio.all_tasks()) <= tasks + 2


async def test_a_failed_state_is_never_believed(ably: AblyServer, listen: Listen) -> None:
    """The SDK leaves `failed` by itself and tells nobody; here each refusal ends the client, and the next one asks."""
    ably.revoke_key(ably.key)

    with capture_logs() as lines:
        rig = await listen(DU1=CHANNEL)
        await rig.wait_health(lambda _: sum(line["event"] == "ably_session_ended" for line in lines) >= 3, within=30)

    ended = [line for line in lines if line["event"] == "ably_session_ended"]
    assert {(line["kind"], line["reason"][:5]) for line in ended} == {("refused", "40101")}
    assert [line["log_level"] for line in ended] == ["warning", *["debug"] * (len(ended) - 1)]
    assert {code_of(past) for past in rig.reports if past.state is ComponentState.DOWN} == {40101}


async def test_an_unavailable_ably_at_start_is_waited_for(ably: AblyServer, listen: Listen) -> None:
    """HTTP 503 at the first connect is told; the broker connects when it ends."""
    ably.set_unavailable()
    rig = await listen(DU1=CHANNEL)
    down = await rig.wait_health(lambda report: report.state is ComponentState.DOWN)

    ably.set_unavailable(unavailable=False)
    await hears(ably, rig, 1)

    assert "cannot be reached" in down.detail
    assert rig.interruptions == []


async def test_a_dropped_socket_is_resumed_without_a_gap(ably: AblyServer, listen: Listen) -> None:
    """The SDK resumes by itself; nothing is lost, nothing is rewound, and no new client is made."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.drop_connections()
    ably.publish(CHANNEL, {"number": 2})
    events = await rig.intake.wait_taken(2)
    await hears(ably, rig, 3)

    assert [event.data["number"] for event in events] == [1, 2, 3]
    assert len(rig.intake.offers) == 3
    assert rig.interruptions == []


async def test_lost_continuity_is_an_interruption_and_is_read_again(ably: AblyServer, listen: Listen) -> None:
    """When Ably cannot resume, a new client rewinds: the missed message arrives, and the interruption is told once."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.drop_connections(lose_continuity=True)
    ably.publish(CHANNEL, {"number": 2})
    events = await rig.intake.wait_taken(2)
    await rig.wait_attached()

    assert [event.data["number"] for event in events] == [1, 2]
    [interruption] = rig.interruptions
    assert interruption.channel == CHANNEL
    assert interruption.last_message_at is not None
    assert interruption.last_message_at <= interruption.since <= interruption.noticed_at
    assert any("lost track" in past.detail for past in rig.reports)


async def test_an_ordinary_disconnect_is_survived(ably: AblyServer, listen: Listen) -> None:
    """A DISCONNECTED with an error, as Ably sends when it moves connections, costs nothing."""
    rig = await listen(DU1=CHANNEL)
    await hears(ably, rig, 1)

    ably.send_disconnected(AblyError.with_code(80003, 408, "moving on"))
    ably.publish(CHANNEL, {"number": 2})
    events = await rig.intake.wait_taken(2)

    assert [event.data["number"] for event in events] == [1, 2]


async def test_a_forbidden_channel_leaves_the_others_alone(ably: AblyServer, listen: Listen) -> None:
    """A channel outside the key's capability is named in the report and tried again; the others go on undisturbed."""
    rig = await listen(DU1="open:growth", DU2="closed:income", options={"key": "app.narrow:secret-2"})

    degraded = await rig.wait_health(
        lambda report: report.facts["channels"] == {"open:growth": "attached", "closed:income": "failed"}
    )
    tries = sum(report.facts["channels"]["closed:income"] == "attaching" for report in rig.reports)
    ably.publish("open:growth", {"number": 1})
    await rig.intake.wait_taken(1)
    await rig.wait_health(
        lambda _: sum(past.facts["channels"]["closed:income"] == "attaching" for past in rig.reports) > tries
    )

    assert degraded.state is ComponentState.DEGRADED
    assert "may not subscribe to channel closed:income (40160" in degraded.detail
    assert degraded.facts["reconnects"] == rig.health.report().facts["reconnects"] == 0


async def test_stopping_is_quick_whatever_ably_does(ably: AblyServer) -> None:
    """Taking leave of a silent Ably is bounded."""
    timing = replace(SHORT, ping_interval_seconds=60)
    async with (
        asyncio.timeout(None) as stopping,
        listening(accounts_on(DU1=CHANNEL), endpoint=ably.endpoint, key=ably.key, timing=timing) as rig,
    ):
        await rig.wait_attached()
        ably.black_hole()

        stopping.reschedule(asyncio.get_running_loop().time() + 3)

    assert not stopping.expired()
