"""What fills do to cash, holdings and costs."""

from decimal import Decimal
from typing import Literal

from sandbox.world import InstrumentSpec
from sandbox.world.ledger import Ledger, Trade

SPY = InstrumentSpec(symbol="SPY", con_id=1, price=Decimal(500))
CALL = InstrumentSpec(symbol="AAPL", con_id=2, price=Decimal(5), sec_type="OPT", multiplier=100)
EMPTY = Ledger(cash={"USD": Decimal(10_000)}, unsettled={}, holdings={})


def trade(side: Literal["BUY", "SELL"], quantity: int, price: int, *, fee: int = 0) -> Trade:
    """A trade in SPY."""
    return Trade(SPY, side, Decimal(quantity), Decimal(price), Decimal(fee))


def booked(*trades: Trade, start: Ledger = EMPTY) -> Ledger:
    """The ledger after all of them, settled at once."""
    for each in trades:
        start = start.after(each, settles_at_once=True)
    return start


def test_a_buy_costs_its_price_and_its_commission() -> None:
    """The commission is part of the average cost."""
    after = booked(trade("BUY", 10, 500, fee=1))

    assert after.cash["USD"] == Decimal(4_999)
    assert after.holdings[1].avg_cost == Decimal("500.1")


def test_more_of_the_same_averages_the_cost() -> None:
    """Weighted by quantity."""
    assert booked(trade("BUY", 10, 500), trade("BUY", 10, 400)).holdings[1].avg_cost == 450


def test_a_sale_realizes_and_leaves_the_cost_of_the_rest() -> None:
    """The result is the difference to the average cost, less the commission."""
    after = booked(trade("BUY", 10, 500), trade("SELL", 4, 600, fee=1))

    assert (after.quantity(1), after.holdings[1].avg_cost, after.holdings[1].realized) == (6, 500, 399)
    assert after.cash["USD"] == 10_000 - 5_000 + 2_399


def test_selling_past_zero_opens_a_short_position_at_the_price() -> None:
    """Only the part that closed realizes anything."""
    after = booked(trade("BUY", 10, 500), trade("SELL", 15, 600))

    assert (after.quantity(1), after.holdings[1].avg_cost, after.holdings[1].realized) == (-5, 600, 1000)


def test_options_count_by_their_multiplier() -> None:
    """One contract at 5 costs 500."""
    after = EMPTY.after(Trade(CALL, "BUY", Decimal(1), Decimal(5)), settles_at_once=True)

    assert (after.cash["USD"], after.holdings[2].avg_cost) == (9_500, 500)


def test_proceeds_that_do_not_settle_at_once_are_kept_apart() -> None:
    """Cash grows, settled cash does not."""
    after = booked(trade("BUY", 10, 500)).after(trade("SELL", 10, 500), settles_at_once=False)

    assert (after.cash["USD"], after.unsettled["USD"]) == (10_000, 5_000)


def test_a_correction_replaces_what_it_corrects() -> None:
    """Cash, quantity and cost are as if the right trade had been booked."""
    wrong, right = trade("BUY", 10, 500), trade("BUY", 8, 490)

    after = booked(wrong).corrected(wrong, right)

    assert after == booked(right)
