"""What an attempt leaves for the API and for people."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from broker_connector_base import PriceSource, Side
from broker_connector_base.testing import FillPartly, OrderScript, PaperQuote
from event_processor.account_results import equity_result, positions_result
from event_processor.numbers import money, number, percent
from event_processor.presentation import equity_text, positions_text, rebalance_text, table
from event_processor.rebalancer import LiveRun
from event_processor.result import live_result, preview_result
from event_processor.testing.scenario import ACCOUNT, CLOSING, NOON, Scenario, paper_account, scenario
from rebalance_calculator import resolve_reserve


@pytest.fixture
def case() -> Scenario:
    """One position to trim, one target to buy."""
    return scenario(paper_account(20_000, AAA=1000), {"AAA": "50.5", "CCC": 125}, {"AAA": 30, "CCC": 70}, reserve=1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1500", "1500.0"),
        ("0.1", "0.1"),
        ("1234567890123.45", "1234567890123.45"),
        ("2.675", "2.68"),
        ("-0.005", "-0.0"),
    ],
)
def test_money_is_written_in_json_as_it_was_rounded(value: str, text: str) -> None:
    """Up to ten trillion dollars and a cent."""
    assert json.dumps(money(Decimal(value))) == text


def test_percentages_and_shares_keep_their_digits() -> None:
    """Fractions of one become percent."""
    assert percent(Decimal("0.56667")) == 56.667
    assert number(Decimal("10.60004"), 4) == 10.6


async def test_a_preview_has_the_documents_fields(case: Scenario) -> None:
    """And beyond them price, reason, source and age."""
    result = preview_result(await case.preview(), NOON + timedelta(seconds=3))

    assert result["equity_info"] == {
        "total_equity": 70_500.0,
        "reserve_percentage": 1.0,
        "reserve_amount": 705.0,
        "unmanaged_value": 0.0,
        "available_for_trading": 69_795.0,
    }
    assert [
        (order["symbol"], order["action"], order["quantity"], order["market_value"]) for order in result["orders"]
    ] == [
        ("AAA", "SELL", 585, 29_542.5),
        ("CCC", "BUY", 390, 48_750.0),
    ]
    assert (result["execution_mode"], result["status"]) == ("dry_run", "success")
    assert result["timestamp"] == "2099-03-02T17:00:03Z"
    assert result["prices"]["AAA"] == {"price": 50.5, "source": "live_mid", "age_seconds": 3.0}
    assert result["drift"][1] == {"symbol": "CCC", "target_percent": 70.0, "actual_percent": 0.0}
    assert json.loads(json.dumps(result, allow_nan=False)) == result


async def test_a_preview_tells_that_the_market_is_closed_and_prices_are_old(case: Scenario) -> None:
    """It is shown all the same."""
    case.clock.advance((CLOSING - NOON).total_seconds())
    case.brokerage.set_quote(PaperQuote(symbol="CCC", price=Decimal(125), source=PriceSource.PREVIOUS_CLOSE))

    result = preview_result(await case.preview(), CLOSING)

    assert result["warnings"] == [
        "prices are not live (previous_close): CCC",
        "the market is closed: a live run would wait until 2099-03-03T14:30:00Z",
    ]


async def test_a_live_result_says_what_became_of_each_order(case: Scenario) -> None:
    """Ids, fills and average prices; equity before and after; how far the account is from its targets now."""
    case.brokerage.scripts.add(OrderScript(FillPartly(Decimal(100)), "CCC", Side.BUY))
    run = await case.deliver()
    assert isinstance(run, LiveRun)

    result = live_result(run, NOON)

    buy = result["orders"][1]
    assert (buy.get("status"), buy.get("filled_quantity"), buy.get("average_price")) == ("CANCELLED", 100.0, 125.0)
    assert (result["status"], result.get("equity_before"), result.get("equity_after")) == ("partial", 70_500, 70_500)
    assert result["message"] == "Live rebalancing completed in part: BUY 390 CCC: filled 100, CANCELLED"
    assert result["drift"][1]["actual_percent"] == 17.91


async def test_the_report_is_a_table_for_people(case: Scenario) -> None:
    """Each order on a line with the source and age of its price, whatever the widths."""
    lines = rebalance_text(preview_result(await case.preview(), NOON)).splitlines()

    assert lines[0] == "Preview of DU1: success"
    assert lines[2].endswith("available 69,795.00")
    assert lines[3].split() == ["action", "quantity", "symbol", "price", "source", "age", "value", "outcome", "reason"]
    assert lines[4].split()[:9] == ["SELL", "585", "AAA", "50.50", "live_mid", "0", "s", "29,542.50", "planned"]
    assert all(line == line.rstrip() for line in lines)


async def test_an_empty_plan_says_so() -> None:
    """Instead of an empty table."""
    case = scenario(paper_account(0, AAA=10), {"AAA": 50}, {"AAA": 100})

    assert "nothing to trade" in rebalance_text(preview_result(await case.preview(), NOON))


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    """And without rows there is no table."""
    assert table(("a", "bb"), [("ccc", "d")]) == ["  a    bb", "  ccc  d"]
    assert table(("a",), []) == []


def test_positions_and_equity_are_shown(case: Scenario) -> None:
    """With what of it stays cash, and the warning when the configured reserve is not the one applied."""
    snapshot = case.brokerage.snapshot(ACCOUNT)

    positions = positions_result(snapshot, NOON)
    equity = equity_result(snapshot, resolve_reserve(Decimal(11)), NOON)

    assert positions_text(positions).splitlines()[2].split() == ["AAA", "1000", "USD"]
    assert (equity["reserve_percentage"], equity["reserve_amount"], equity["account_type"]) == (1.0, 705.0, "margin")
    assert equity_text(equity).splitlines()[-1].startswith("warning: reserve of 11 %")
