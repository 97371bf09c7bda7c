"""How long contract details are kept, and who shares a question."""

import asyncio
from datetime import UTC, datetime

import pytest
from ib_async import ContractDetails

from ibkr_connector.details_book import DetailsBook

ASKED = datetime(2026, 11, 20, 4, 50, tzinfo=UTC)
"""Ten minutes before midnight in New York."""


async def _times_asked(zone: str, later: datetime, answer: str = "") -> int:
    times = iter([ASKED, later, later])
    asked: list[str] = []

    async def find(symbol: str) -> ContractDetails | str:
        await asyncio.sleep(0)  # noqa: TID251 - lets others run, waits for nothing
        asked.append(symbol)
        return answer or ContractDetails(timeZoneId=zone)

    book = DetailsBook(find, lambda: next(times, later))
    await asyncio.gather(book.read("SPY"), book.read("SPY"))
    await book.read("SPY")
    return len(asked)


@pytest.mark.parametrize(
    ("zone", "later", "times"),
    [
        ("UTC", datetime(2026, 11, 20, 5, 5, tzinfo=UTC), 1),
        ("UTC", datetime(2026, 11, 20, 5, 5, 1, tzinfo=UTC), 2),
        ("UTC", datetime(2026, 11, 20, 4, 49, tzinfo=UTC), 2),
        ("US/Eastern", datetime(2026, 11, 20, 4, 59, 59, tzinfo=UTC), 1),
        ("US/Eastern", datetime(2026, 11, 20, 5, 0, tzinfo=UTC), 2),
        ("Atlantis", ASKED, 2),
    ],
)
async def test_details_last_a_quarter_of_an_hour_of_one_day(zone: str, later: datetime, times: int) -> None:
    """Beyond it, on another day of the exchange, with a clock set back or an unknown zone, they are asked for again."""
    found = await _times_asked(zone, later)

    assert found == times


async def test_a_refusal_is_not_kept() -> None:
    """A symbol that was unknown a moment ago is asked for again."""
    assert await _times_asked("UTC", ASKED, "200: no such contract") == 2
