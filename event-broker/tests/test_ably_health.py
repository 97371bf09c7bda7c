"""What the report says in each state of affairs."""

from datetime import UTC, datetime, timedelta

import pytest

from event_broker.ably_client import AblyFault
from event_broker.ably_ending import Ending, EndingKind
from event_broker.ably_health import AblyHealth
from event_broker.continuity import Continuity, Interruption
from event_broker.trigger import Trigger
from event_queue.components import ComponentState

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class StandingClock:
    """Time that passes only when the test says so."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        """The moment set."""
        return self.moment

    async def pause(self, seconds: float) -> None:
        """Let the time pass."""
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> StandingClock:
    """A clock that stands still."""
    return StandingClock()


@pytest.fixture
def interruptions() -> list[Interruption]:
    """The interruptions told so far."""
    return []


@pytest.fixture
def continuity(clock: StandingClock, interruptions: list[Interruption]) -> Continuity:
    """The past of every channel."""
    return Continuity(clock, interruptions.append)


@pytest.fixture
def health(continuity: Continuity, clock: StandingClock) -> AblyHealth:
    """Two channels, nothing known."""
    return AblyHealth(["growth", "income"], continuity, clock, redact=lambda text: text.replace("s3cret", "***"))


def told(channel: str, *, received: datetime = NOW, published: datetime | None = None) -> Trigger:
    """A message of a channel."""
    return Trigger(channel, "m1", {}, received, published)


def connected(health: AblyHealth) -> AblyHealth:
    """Bring everything up."""
    health.connection_is("connected")
    for channel in ("growth", "income"):
        health.channel_is(channel, "attached")
    return health


def test_at_first_it_is_connecting(health: AblyHealth) -> None:
    """Before anything is known the report is neither good nor bad."""
    report = health.report()

    assert (report.name, report.state, report.detail) == ("ably", ComponentState.DEGRADED, "Connecting to Ably.")
    assert report.reported_at == NOW
    assert report.facts == {
        "connection": "initialized",
        "channels": {"growth": "initialized", "income": "initialized"},
        "last_message_at": None,
        "reconnects": 0,
        "backlog": 0,
        "spool_error": None,
        "last_error": None,
        "catching_up": [],
        "history_errors": {},
        "gaps": {},
    }


def test_all_attached_is_ok(health: AblyHealth, continuity: Continuity) -> None:
    """Connected, attached, and the time of the last message."""
    connected(health)
    continuity.message(told("income", published=NOW - timedelta(seconds=2)))

    report = health.report()

    assert (report.state, report.detail) == (ComponentState.OK, "Connected; listening to growth, income.")
    assert report.facts["last_message_at"] == (NOW - timedelta(seconds=2)).isoformat()


def test_an_old_message_told_again_is_no_new_one(health: AblyHealth, continuity: Continuity) -> None:
    """A rewind repeats what came before; what an earlier process took in counts, whatever is repeated."""
    published = [NOW - timedelta(seconds=seconds) for seconds in (90, 20, 60)]
    health.taken_in_until = lambda: published[0]
    before = health.report().facts["last_message_at"]

    for moment in published:
        continuity.message(told("growth", published=moment))

    assert before == published[0].isoformat()
    assert health.report().facts["last_message_at"] == published[1].isoformat()


def test_a_short_loss_is_degraded_and_counted(health: AblyHealth) -> None:
    """While the SDK resumes the report says so; the return counts as a reconnect."""
    connected(health)

    health.connection_is("disconnected")
    lost = health.report()
    health.connection_is("connecting")
    health.connection_is("connected")

    assert (lost.state, lost.detail) == (ComponentState.DEGRADED, "The connection to Ably was lost; reconnecting.")
    assert health.report().facts["reconnects"] == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (EndingKind.REFUSED, "Ably refused the key: 40101 no such s***; check ABLY_API_KEY. Trying again."),
        (EndingKind.UNREACHABLE, "Ably cannot be reached: 40101 no such"),
        (EndingKind.SILENT, "Ably stopped answering: 40101 no such"),
        (EndingKind.CONTINUITY_LOST, "Ably lost track of a channel: 40101 no such"),
    ],
)
def test_an_ended_client_is_down_in_words_until_the_next_is_connected(
    health: AblyHealth, kind: EndingKind, words: str
) -> None:
    """The reason stands while the next client tries, the error stays as a fact, and no secret is shown."""
    connected(health)

    health.ended(Ending(kind, AblyFault(40101, "no such ss3cret")))
    health.connection_is("connecting")
    down = health.report()
    connected(health)
    up = health.report()

    assert down.state is ComponentState.DOWN
    assert down.detail.startswith(words)
    assert down.facts["channels"] == {"growth": "detached", "income": "detached"}
    assert up.state is ComponentState.OK
    assert up.facts["last_error"] == {"code": 40101, "text": "no such s***"}


def test_each_missing_channel_is_named(health: AblyHealth) -> None:
    """One is forbidden, one is still attaching: two sentences; attached again, they are gone."""
    connected(health)

    health.channel_is("growth", "failed", AblyFault(40160, "denied"))
    health.channel_is("income", "attaching")
    report = health.report()
    connected(health)

    assert report.state is ComponentState.DEGRADED
    assert report.detail == (
        "The key may not subscribe to channel growth (40160 denied); check its capabilities. Trying again. "
        "Channel income is attaching."
    )
    assert health.report().state is ComponentState.OK


def test_messages_that_the_queue_does_not_take_are_told(health: AblyHealth) -> None:
    """Connected and attached is not enough while signals cannot go on."""
    connected(health)
    health.backlog = lambda: 3
    health.intake_trouble = lambda: "QueueFull: no memory"

    report = health.report()

    assert (report.state, report.facts["backlog"]) == (ComponentState.DEGRADED, 3)
    assert report.detail == "3 received messages are kept and wait for the queue (QueueFull: no memory)."


def test_signals_that_wait_in_memory_alone_are_told(health: AblyHealth) -> None:
    """Whether or not it is connected, until the disk takes them."""
    health.spool_trouble = lambda: "spool: another process uses it"
    unconnected = health.report()
    connected(health)
    up = health.report()
    health.spool_trouble = lambda: None
    words = "Signals that wait for the queue are in memory alone (spool: another process uses it); trying again."

    assert words in unconnected.detail
    assert (up.state, up.facts["spool_error"]) == (ComponentState.DEGRADED, "spool: another process uses it")
    assert up.detail.endswith(words)
    assert (health.report().state, health.report().facts["spool_error"]) == (ComponentState.OK, None)


def test_reasons_to_stay_idle_and_remarks(continuity: Continuity, clock: StandingClock) -> None:
    """A configuration that allows no connection is down; ignored accounts keep the state from being OK."""
    idle = AblyHealth([], continuity, clock, idle_reason="No key.").report()
    remarked = AblyHealth(["growth"], continuity, clock, remarks=["U1 is ignored."])
    remarked.connection_is("connected")
    remarked.channel_is("growth", "attached")

    assert (idle.state, idle.detail) == (ComponentState.DOWN, "No key.")
    assert remarked.report().state is ComponentState.DEGRADED
    assert remarked.report().detail == "Connected; listening to growth. U1 is ignored."


def test_every_change_is_announced(health: AblyHealth) -> None:
    """Whoever posts the report hears of each change."""
    states: list[str] = []
    health.changed = lambda: states.append(health.report().facts["connection"])

    health.connection_is("connected")
    health.channel_is("growth", "attached")
    health.ended(Ending(EndingKind.SILENT))

    assert states == ["connected", "connected", "disconnected"]


def test_an_interruption_begins_when_the_channel_was_last_heard(
    continuity: Continuity, clock: StandingClock, interruptions: list[Interruption]
) -> None:
    """The first attach is no interruption; a later one is, from the last sign of life, with the last message's time."""
    continuity.attached_anew("growth")
    clock.moment += timedelta(seconds=10)
    continuity.message(told("growth", received=clock.moment))
    clock.moment += timedelta(seconds=10)
    continuity.heard("growth")
    clock.moment += timedelta(seconds=30)
    continuity.attached_anew("growth")
    continuity.attached_anew("income")

    seconds = {name: NOW + timedelta(seconds=offset) for name, offset in (("last", 10), ("since", 20), ("now", 50))}
    assert interruptions == [Interruption("growth", seconds["since"], seconds["now"], seconds["last"])]
