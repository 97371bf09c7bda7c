"""Details are at hand before a rebalance needs them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from ib_async import Contract, ContractDetails

from broker_connector_base import BrokerAPIError
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.details_keeper import DetailsKeeper
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings

ASKED = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
LINE = object()


class _Stage:
    """A session that is told of positions, a book whose questions are counted, and a clock that is set."""

    def __init__(self) -> None:
        self.now = ASKED
        self.asked: list[str] = []
        self.was_asked = asyncio.Condition()
        settings = IBKRConnectionSettings(host="h", port=1, client_id=5, trading_mode="paper")
        self.session = GatewaySession(settings, lambda: self.now)
        self.book = DetailsBook(self._find, lambda: self.now)
        self.asked_for: tuple[str, ...] = ()
        self.keeper = DetailsKeeper(
            self.session, self.book, lambda: self.asked_for, lambda: self.now, spacing=0.001, interval=0.01
        )

    async def _find(self, symbol: str) -> ContractDetails | str:
        async with self.was_asked:
            self.asked.append(symbol)
            self.was_asked.notify_all()
        if symbol == "LOST":
            raise BrokerAPIError("no details")
        return "200: nothing fits" if symbol == "GONE" else ContractDetails(timeZoneId="US/Eastern")

    def hold(self, symbol: str, kind: str = "STK", currency: str = "USD") -> None:
        contract = Contract(conId=len(symbol), symbol=symbol, secType=kind, currency=currency)
        self.session.ib.wrapper.position("DU1", contract, 1, 1.0)

    async def asked_times(self, count: int) -> list[str]:
        """What was asked for, once so many questions have been asked."""
        async with asyncio.timeout(10), self.was_asked:
            await self.was_asked.wait_for(lambda: len(self.asked) >= count)
        return self.asked

    async def rounds(self) -> None:
        """Let the keeper look several times."""
        await asyncio.wait({self.session.lost}, timeout=0.1)


@pytest.fixture
async def stage() -> AsyncIterator[_Stage]:
    """Ends the session afterwards, and with it the keeper."""
    stage = _Stage()
    yield stage
    stage.session.end("done")


async def test_stocks_that_are_held_or_were_asked_for_are_kept(stage: _Stage) -> None:
    """Each is asked for once; other instruments are none of ours."""
    stage.hold("BRK B")
    stage.hold("ESZ6", "FUT")
    stage.hold("VOD", currency="GBP")
    stage.asked_for = ("SPY", "BRK.B")

    stage.keeper.start()
    await stage.asked_times(2)
    await stage.rounds()

    assert stage.asked == ["BRK.B", "SPY"]
    await stage.book.read("SPY")
    assert len(stage.asked) == 2


async def test_what_others_asked_for_meanwhile_is_not_asked_for_again(stage: _Stage) -> None:
    """It was due when the round began, and is young when its turn comes."""
    stage.asked_for = ("QQQ", "SPY")

    stage.keeper.start()
    await stage.book.read("SPY")
    await stage.asked_times(2)
    await stage.rounds()

    assert stage.asked == ["SPY", "QQQ"]


@pytest.mark.parametrize(("minutes", "times"), [(9, 1), (11, 2)])
async def test_details_are_asked_for_again_before_they_are_too_old(stage: _Stage, minutes: int, times: int) -> None:
    """They serve for a quarter of an hour, and are ten minutes old at most."""
    stage.asked_for = ("SPY",)
    stage.keeper.start()
    await stage.asked_times(1)

    stage.now = ASKED + timedelta(minutes=minutes)
    await stage.asked_times(times)
    await stage.rounds()

    assert len(stage.asked) == times


async def test_what_cannot_be_had_is_not_asked_for_all_the_time(stage: _Stage) -> None:
    """Neither a refusal nor an error ends the keeping of the others."""
    stage.asked_for = ("GONE", "LOST", "SPY")

    stage.keeper.start()
    await stage.asked_times(3)
    await stage.rounds()

    assert stage.asked == ["GONE", "LOST", "SPY"]


async def test_a_rebalance_goes_first(stage: _Stage) -> None:
    """While the pace is taken up by others nothing is asked for."""
    now = asyncio.get_running_loop().time()
    for _ in range(11):
        stage.session.pace.wrote(LINE, "3\0001\0", now)
    stage.asked_for = ("SPY",)

    stage.keeper.start()
    await stage.rounds()
    while_busy = list(stage.asked)
    stage.session.pace.answered(LINE, 1, now - 1)

    assert while_busy == []
    assert await stage.asked_times(1) == ["SPY"]


async def test_the_end_of_the_session_ends_the_keeping(stage: _Stage) -> None:
    """Nothing is asked of a connection that is gone."""
    stage.session.end("lost")
    stage.asked_for = ("SPY",)

    stage.keeper.start()
    await stage.rounds()

    assert stage.asked == []
