"""No gateway ever counts more messages in a second than it allows, however late it reads them."""

import asyncio
import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest
from ib_async import Contract

from ibkr_connector import IBKRConnectionSettings
from ibkr_connector.connection import open_session
from ibkr_connector.pace import MOST_MESSAGES, Pace
from ibkr_connector.requests import Requests
from sandbox.gateway import GatewayServer

LINE = object()
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class _LateReader:
    """A gateway that reads what is written in order and late, and answers each later still."""

    def __init__(self, delays: Iterator[float]) -> None:
        self.pace = Pace()
        self.read_at: list[float] = []
        self._delays = delays
        self._events: list[tuple[float, int]] = []
        """When which answer arrives; -1 is an alarm of the sender's own."""

    def take(self, messages: int) -> None:
        """Send so many as fast as the pace allows, and wait for all answers."""
        heapq.heappush(self._events, (0.0, -1))
        while self._events:
            now, answered = heapq.heappop(self._events)
            if answered >= 0:
                self.pace.answered(LINE, answered, now)
            if len(self.read_at) < messages:
                self._write(now, messages)

    def _write(self, now: float, messages: int) -> None:
        while len(self.read_at) < messages and self.pace.next_at(now) <= now:
            number = len(self.read_at)
            self.pace.wrote(LINE, f"9\08\0{number}\0", now)
            self.read_at.append(max(now + next(self._delays), self.read_at[-1] if self.read_at else 0.0))
            heapq.heappush(self._events, (self.read_at[-1] + next(self._delays), number))
        heapq.heappush(self._events, (max(self.pace.next_at(now), now + 0.001), -1))


def _most_in_a_second(moments: list[float]) -> int:
    return max(sum(moment <= each < moment + 1.0 for each in moments) for moment in moments)


@pytest.mark.parametrize("seed", range(20))
def test_late_readers_never_count_too_many(seed: int) -> None:
    """Delays of up to nearly a second, now here, now there, move no two bursts together."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    longest = dice.choice([0.0, 0.02, 0.3, 0.95])
    reader = _LateReader(dice.uniform(0.0, longest) if dice.random() < 0.2 else 0.0 for _ in count())

    reader.take(400)

    assert len(reader.read_at) == 400
    assert _most_in_a_second(reader.read_at) <= MOST_MESSAGES


def test_a_prompt_gateway_gets_as_many_as_it_may() -> None:
    """Nothing is lost to caution when answers come at once: 45 now, 45 a second later."""
    reader = _LateReader(iter(lambda: 0.01, None))

    reader.take(3 * MOST_MESSAGES)

    assert reader.read_at[-1] < 2.2


def test_what_is_never_answered_counts_for_two_seconds() -> None:
    """Without an answer nobody knows when it was read."""
    pace = Pace()
    for _ in range(MOST_MESSAGES):
        pace.wrote(LINE, "2\0001\0007\0", 10.0)

    assert pace.next_at(10.5) == 12.0
    assert pace.next_at(12.0) == 12.0


def test_an_answer_speaks_for_all_before_it_on_its_line() -> None:
    """The gateway reads each connection in order, and one says nothing of another."""
    pace, other = Pace(), object()
    pace.wrote(LINE, "2\0001\0007\0", 10.0)
    pace.wrote(other, "2\0001\0007\0", 10.0)
    pace.wrote(LINE, "9\0008\00044\0", 10.0)
    for _ in range(MOST_MESSAGES - 3):
        pace.wrote(LINE, "2\0001\0007\0", 10.0)

    pace.answered(LINE, 44, 10.05)

    assert pace.next_at(10.5) == pytest.approx(11.06)
    assert pace.next_at(11.1) == 11.1
    for _ in range(2):
        pace.wrote(LINE, "2\0001\0007\0", 11.1)
    assert pace.next_at(11.1) == 12.0


def test_numbers_that_mean_nothing_are_no_proof() -> None:
    """Answers to what was sent long ago, or to nobody."""
    pace = Pace()
    for _ in range(MOST_MESSAGES):
        pace.wrote(LINE, "61\0001\0", 10.0)

    pace.answered(LINE, -1, 10.1)
    pace.answered(LINE, 1, 10.1)

    assert pace.next_at(10.5) == 12.0


async def test_a_loop_that_stands_still_sends_no_two_bursts_together(gateway: GatewayServer) -> None:
    """The gateway shares the loop: it reads the first burst late, and the next one leaves late enough for that."""
    settings = IBKRConnectionSettings(
        host="127.0.0.1", port=gateway.port, client_id=5, trading_mode="paper", request_timeout_seconds=30.0
    )
    session = await open_session(settings, now=lambda: NOW, pause=_no_pause)
    requests, before = Requests(session), session.pace.written
    spy = Contract(symbol="SPY", secType="STK", exchange="SMART", currency="USD")
    asking = [asyncio.ensure_future(requests.contract_details(spy)) for _ in range(110)]
    while session.pace.written == before:
        await asyncio.wait(asking, timeout=0)

    _stand_still(0.6)
    answers = await asyncio.gather(*asking)
    await session.close("done")

    assert all(answers)


def _stand_still(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until:
        pass


async def _no_pause(_seconds: float) -> None:
    raise AssertionError("connected at the first try")
