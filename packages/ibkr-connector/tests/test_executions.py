"""Corrections of executions, and parts of an order that are numbered as corrections are."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from broker_connector_base import Side
from ibkr_connector.executions import ExecutionBook
from ibkr_connector.messages import CommissionTold, ExecutionTold, OrderKey

ORDER = OrderKey(5, 12)


def _told(exec_id: str, quantity: int, counted: int, *, key: OrderKey = ORDER) -> ExecutionTold:
    """An execution with the gateway's count of the order's shares by then."""
    return ExecutionTold(
        exec_id=exec_id,
        key=key,
        perm_id=900 + key.order_id,
        order_ref="ref",
        account_id="DU1",
        contract_id=1,
        symbol="SPY",
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(10),
        executed_at=datetime(2026, 11, 20, tzinfo=UTC),
        cumulative=Decimal(counted),
    )


def _counted(told: Sequence[ExecutionTold]) -> dict[str, Decimal]:
    """Shares that count, by id."""
    book = ExecutionBook()
    for each in told:
        book.add(each)
    return {fill.exec_id: fill.quantity for fill in book.fills(book)}


THREE_PARTS = (_told("x.01.01", 33, 33), _told("x.01.02", 33, 66), _told("x.01.03", 34, 100))


@pytest.mark.parametrize("told", list(permutations(THREE_PARTS)))
def test_parts_that_are_numbered_like_corrections_add_up(told: Sequence[ExecutionTold]) -> None:
    """The order's count goes up by each, in whatever order they are told."""
    assert _counted(told) == {"x.01.01": 33, "x.01.02": 33, "x.01.03": 34}


def test_parts_are_known_by_the_whole_count_too() -> None:
    """A gateway that tells the order's whole count with each part."""
    told = [_told("x.01.01", 33, 100), _told("x.01.02", 33, 100), _told("x.01.03", 34, 100)]

    assert sum(_counted(told).values()) == 100


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ((_told("a.01", 50, 50), _told("a.02", 50, 50)), {"a.02": 50}),
        ((_told("a.01", 50, 50), _told("a.02", 40, 40)), {"a.02": 40}),
        ((_told("a.01", 50, 50), _told("a.02", 40, 50)), {"a.02": 40}),
        ((_told("a.01", 50, 50), _told("b.01", 50, 100), _told("a.02", 50, 50)), {"a.02": 50, "b.01": 50}),
        ((_told("a.01", 50, 50), _told("b.01", 50, 100), _told("b.02", 50, 100)), {"a.01": 50, "b.02": 50}),
        ((_told("a.01", 50, 0), _told("a.02", 50, 0)), {"a.02": 50}),
        ((_told("a.01", 50, 50), _told("a.02", 0, 50)), {}),
        ((_told("a.01", 50, 50), _told("a.02", 0, 0)), {}),
        ((_told("a.02", 0, 0), _told("a.01", 50, 50)), {}),
        ((_told("a.01", 50, 50), _told("b.01", 50, 100), _told("a.02", 0, 100)), {"b.01": 50}),
        ((_told("a.01", 50, 50), _told("a.02", 0, 0), _told("a.03", 50, 50)), {"a.03": 50}),
    ],
)
def test_corrections_replace(told: Sequence[ExecutionTold], counted: dict[str, int]) -> None:
    """Together with what they correct they would be more than was counted."""
    assert _counted(told) == counted


def test_executions_of_other_orders_are_not_counted() -> None:
    """Each order has its own count."""
    told = [_told("y.01.01", 7, 7, key=OrderKey(5, 13)), *THREE_PARTS]

    assert sum(_counted(told).values()) == 107


def test_parts_have_commissions_of_their_own() -> None:
    """Reports told before the parts were known to be some count as well."""
    book = ExecutionBook()
    for number, part in enumerate(THREE_PARTS, start=1):
        book.add(part)
        book.add_commission(CommissionTold(part.exec_id, Decimal(number)))

    fills = book.fills(book)

    assert [fill.commission for fill in fills] == [1, 2, 3]
    assert all(fill.replaces == () for fill in fills)
    assert not book.lack_commission(book)


def test_a_part_told_again_is_no_news() -> None:
    """Whoever asks for executions is told all of them again."""
    book = ExecutionBook()
    news = [book.add(part) for part in (*THREE_PARTS, *THREE_PARTS)]

    assert [len(each) for each in news] == [1, 2, 1, 0, 0, 0]
    assert sum(each.quantity for each in book) == 100


def test_a_commission_told_again_is_no_news() -> None:
    """It comes with each execution of the day, whenever somebody asks for them; another amount is news."""
    book = ExecutionBook()
    book.add(THREE_PARTS[0])
    book.add_commission(CommissionTold("x.01.01", Decimal(1)))
    position = book.position

    book.add_commission(CommissionTold("x.01.01", Decimal(1)))
    again = book.position
    book.add_commission(CommissionTold("x.01.01", Decimal(2)))

    assert again == position
    assert [each.exec_id for each in book.news_since(position)] == ["x.01.01"]


@pytest.mark.parametrize("count", [0, 10])
def test_a_bust_takes_back_what_was_told_before(count: int) -> None:
    """It has no shares, names the ids that it takes back, and nobody has to pay for it."""
    book = ExecutionBook()
    book.add(_told("a.01", 10, 10))
    position = book.position
    book.add(_told("a.02", 0, count))

    (bust,) = book.fills_and_busts(book.news_since(position))

    assert (bust.exec_id, bust.is_busted, bust.replaces) == ("a.02", True, ("a.01",))
    assert book.fills(book) == ()
    assert not book.lack_commission(book)
    assert book.without_commission(book) == 0


def test_what_was_busted_before_anybody_heard_of_it_is_not_told() -> None:
    """There is nothing to take back."""
    book = ExecutionBook()
    book.add(_told("a.01", 0, 0))

    assert book.fills_and_busts(book) == ()


def test_an_unset_commission_changes_nothing() -> None:
    """Neither one that is known, nor one that still may come."""
    book = ExecutionBook()
    book.add(_told("a.01", 10, 10))
    book.add_commission(CommissionTold("a.01", None))
    before = book.lack_commission(book), book.fills(book)[0].commission
    book.add_commission(CommissionTold("a.01", Decimal("1.05")))
    book.add_commission(CommissionTold("a.01", None))

    assert before == (True, None)
    assert book.fills(book)[0].commission == Decimal("1.05")


def test_a_commission_of_an_earlier_revision_does_not_replace_that_of_the_later() -> None:
    """The day's list tells both, in whatever order; until the later is told the earlier counts."""
    book = ExecutionBook()
    for number in (1, 2):
        book.add(_told(f"a.0{number}", 10, 10))
    book.add_commission(CommissionTold("a.01", Decimal(1)))
    first = book.fills(book)[0].commission
    book.add_commission(CommissionTold("a.02", Decimal(2)))
    book.add_commission(CommissionTold("a.01", Decimal(3)))

    assert (first, book.fills(book)[0].commission) == (1, 2)


def test_a_commission_keeps_its_currency() -> None:
    """One in another currency takes no dollars."""
    book = ExecutionBook()
    book.add(_told("a.01", 10, 10))
    book.add_commission(CommissionTold("a.01", Decimal(7), "CHF"))

    (fill,) = book.fills(book)

    assert (fill.commission, fill.commission_currency, fill.dollar_commission) == (7, "CHF", None)
    assert fill.cash_effect == 100
