"""Requests without numbers take turns, also when their callers give up."""

import asyncio
from datetime import UTC, datetime

import pytest
from ib_async import Contract, Position

from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings


class _HeldBack(Requests):
    """Positions whose answers the test gives."""

    def __init__(self) -> None:
        settings = IBKRConnectionSettings(host="h", port=1, client_id=5, trading_mode="paper")
        super().__init__(GatewaySession(settings, lambda: datetime(2026, 11, 20, tzinfo=UTC)))
        self.asked: list[asyncio.Future[list[Position]]] = []

    async def _ask_positions(self, account_id: str) -> list[Position]:  # noqa: ARG002 - the answers are given by hand
        self.asked.append(asyncio.get_running_loop().create_future())
        return await self.asked[-1]


def _position(quantity: float) -> Position:
    return Position("DU1", Contract(conId=7), quantity, 1.0)


async def _let_run(task: asyncio.Task[list[Position]]) -> None:
    await asyncio.wait({task}, timeout=0.02)


async def test_the_second_waits_for_the_answer_to_the_first() -> None:
    """One question of a kind is under way at a time, and each caller gets the answer to its own."""
    requests = _HeldBack()
    first, second = asyncio.create_task(requests.positions()), asyncio.create_task(requests.positions())
    await _let_run(first)
    under_way = len(requests.asked)
    requests.asked[0].set_result([_position(1)])
    await _let_run(second)
    requests.asked[1].set_result([_position(2)])

    answers = await asyncio.gather(first, second)

    assert under_way == 1
    assert [answer[0].position for answer in answers] == [1, 2]


async def test_a_cancelled_caller_keeps_its_turn() -> None:
    """Its answer is still to come, and would be taken for the answer to whoever asked next."""
    requests = _HeldBack()
    first = asyncio.create_task(requests.positions())
    await _let_run(first)
    first.cancel()
    second = asyncio.create_task(requests.positions())
    await _let_run(second)
    while_first_is_unanswered = len(requests.asked)
    requests.asked[0].set_result([_position(1)])
    await _let_run(second)
    requests.asked[1].set_result([_position(2)])

    assert while_first_is_unanswered == 1
    assert [each.position for each in await second] == [2]


async def test_an_answer_to_nobody_may_fail_quietly() -> None:
    """The failure of a question whose caller is gone bothers nobody."""
    requests = _HeldBack()
    first = asyncio.create_task(requests.positions())
    await _let_run(first)
    first.cancel()
    requests.asked[0].set_exception(ConnectionError("gone"))
    second = asyncio.create_task(requests.positions())
    await _let_run(second)
    requests.asked[1].set_result([])

    assert await second == []
    with pytest.raises(asyncio.CancelledError):
        await first
