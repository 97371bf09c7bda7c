"""One connection, shared, watched and reported."""

import asyncio
from datetime import datetime

import pytest

from broker_connector_base import BrokerConnectionError, BrokerHealth
from broker_connector_base.testing import PaperBroker, PaperBrokerage
from event_processor.broker_session import BrokerSession
from event_processor.testing.hand_clock import HandClock
from event_processor.testing.scenario import NOON, paper_account, paper_brokerage
from event_queue.components import ComponentState


class Gateway:
    """A session with a paper brokerage, and the clock of its watch."""

    def __init__(self) -> None:
        self.clock = HandClock(NOON)
        self.brokerage: PaperBrokerage = paper_brokerage(paper_account(1), self.clock, {"AAA": 1})
        self.broker = PaperBroker(self.brokerage)
        self.session = BrokerSession(self.broker, self.clock, reconnect_seconds=30)

    async def until_connections(self, count: int) -> None:
        """Wait until so many connections were opened."""
        while len(self.brokerage.journal.subjects("get_managed_accounts")) < count:
            await asyncio.wait({asyncio.ensure_future(self.brokerage.changes.wait_until(lambda: True))})


@pytest.fixture
def gateway() -> Gateway:
    """A reachable gateway, not yet connected to."""
    return Gateway()


async def test_it_connects_on_demand_and_once(gateway: Gateway) -> None:
    """Two that ask at once get the same connection."""
    await asyncio.gather(gateway.session.client(), gateway.session.client())

    assert len(gateway.brokerage.journal.subjects("connect")) == 1
    report = gateway.session.report(NOON)
    assert (report.name, report.state, report.facts["accounts"]) == ("gateway", ComponentState.OK, ["DU1"])


async def test_an_unreachable_gateway_is_told_and_reported(gateway: Gateway) -> None:
    """Whoever asked gets the error; /health gets the reason and what to do."""
    gateway.brokerage.is_reachable = False

    with pytest.raises(BrokerConnectionError):
        await gateway.session.client()

    report = gateway.session.report(NOON)
    assert report.state is ComponentState.DOWN
    assert "cannot be reached" in report.detail


async def test_opening_and_failing_are_told_at_once(gateway: Gateway) -> None:
    """Whoever reports the connection hears of each change, and finds it in the report."""
    told: list[ComponentState] = []
    gateway.session.on_change(lambda: told.append(gateway.session.report(NOON).state))
    gateway.brokerage.is_reachable = False
    with pytest.raises(BrokerConnectionError):
        await gateway.session.client()
    gateway.brokerage.is_reachable = True

    await gateway.session.client()

    assert told == [ComponentState.DOWN, ComponentState.OK]


async def test_the_watch_connects_again_after_a_loss(gateway: Gateway) -> None:
    """At once: a gateway that restarts is often back before the next event."""
    watching = asyncio.create_task(gateway.session.watch())
    await gateway.until_connections(1)

    gateway.broker.lose_connection()
    await gateway.until_connections(2)

    watching.cancel()
    assert gateway.broker.health().connected
    assert gateway.clock.paused_for == []


class HeardBroker(PaperBroker):
    """One whose session was heard of at noon, and whose next one has not been yet."""

    heard_at: datetime | None = NOON

    async def connect(self) -> None:
        self.heard_at = NOON if self.brokerage.is_reachable else None
        await super().connect()

    def health(self) -> BrokerHealth:
        return super().health().model_copy(update={"last_heard_at": self.heard_at})


async def test_a_gateway_that_is_gone_was_last_heard_when_it_was(gateway: Gateway) -> None:
    """When it matters: its absence began then."""
    gateway.broker = broker = HeardBroker(gateway.brokerage)
    gateway.session = BrokerSession(gateway.broker, gateway.clock, reconnect_seconds=30)
    watching = asyncio.create_task(gateway.session.watch())
    await gateway.until_connections(1)
    gateway.brokerage.is_reachable = False
    gateway.broker.lose_connection()
    while not gateway.clock.paused_for:
        await asyncio.wait({asyncio.ensure_future(gateway.brokerage.changes.wait_until(lambda: True))})
    gone = gateway.session.report(NOON)

    watching.cancel()
    assert broker.heard_at is None
    assert (gone.state, gone.facts["last_heard_at"]) == (ComponentState.DOWN, NOON.isoformat())


async def test_the_watch_pauses_between_tries(gateway: Gateway) -> None:
    """An absent gateway is tried again at fixed intervals, never in a busy loop."""
    gateway.brokerage.is_reachable = False
    watching = asyncio.create_task(gateway.session.watch())
    while not gateway.clock.paused_for:
        await asyncio.wait({asyncio.ensure_future(gateway.brokerage.changes.wait_until(lambda: True))})
    gateway.brokerage.is_reachable = True

    gateway.clock.advance(30)
    await gateway.until_connections(1)

    watching.cancel()
    assert gateway.clock.paused_for == [30]


async def test_closing_ends_the_connection(gateway: Gateway) -> None:
    """Another process can then use the client id."""
    await gateway.session.client()

    await gateway.session.close()

    assert not gateway.broker.health().connected


async def test_a_cancellation_that_comes_out_as_a_failure_to_connect_ends_the_watch() -> None:
    """Otherwise a worker that is to end would wait for its watch for ever."""
    connecting = asyncio.Event()

    class Swallowing(PaperBroker):
        """Turns a cancellation into an error of its own, as a socket library may."""

        async def connect(self) -> None:
            """Hang until cancelled."""
            connecting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise BrokerConnectionError("refused") from None

    clock = HandClock(NOON)
    broker = Swallowing(paper_brokerage(paper_account(0), clock, {}))
    watch = asyncio.create_task(BrokerSession(broker, clock, reconnect_seconds=30).watch())
    await connecting.wait()

    watch.cancel()
    await asyncio.wait({watch}, timeout=5)

    assert watch.cancelled()
