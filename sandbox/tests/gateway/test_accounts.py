"""Positions, account values and summaries of one login with several accounts."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from ib_async import IB, MarketOrder, Position, Stock

from sandbox.testing import RunningSandbox, running_sandbox, until_status

SPY = Stock("SPY", "SMART", "USD")
CALL = {
    "symbol": "AAPL",
    "sec_type": "OPT",
    "price": 5,
    "expiry": "20271217",
    "strike": 200,
    "right": "C",
    "multiplier": 100,
    "primary_exchange": "CBOE",
    "local_symbol": "AAPL  271217C00200000",
}
SAP = {"symbol": "SAP", "price": 200, "currency": "EUR", "primary_exchange": "IBIS"}
MIXED = {
    "id": "DU1",
    "cash": 10_000,
    "settled_cash": 4_000,
    "kind": "cash",
    "other_cash": {"EUR": 100},
    "positions": [
        {"symbol": "SPY", "quantity": 10, "avg_cost": 450},
        {"symbol": "AAPL", "quantity": -1, "avg_cost": 600},
        {"symbol": "SAP", "quantity": 50, "avg_cost": 150},
    ],
}


@pytest.fixture
async def mixed() -> AsyncIterator[RunningSandbox]:
    """DU1 with a stock, a short call and a German stock; DU2 with cash only; one euro is 1.10 dollars."""
    accounts = [MIXED, {"id": "DU2", "cash": 7}]
    instruments = [{"symbol": "SPY", "price": 500}, CALL, SAP]
    async with running_sandbox(accounts=accounts, instruments=instruments, fx={"EUR": "1.1"}) as running:
        yield running


def values(ib: IB, account: str, currency: str) -> dict[str, str]:
    """The account's values in one currency."""
    return {value.tag: value.value for value in ib.accountValues(account) if value.currency == currency}


async def test_positions_come_with_the_listing_exchange(mixed: RunningSandbox) -> None:
    """Stocks, options and foreign listings, each with its cost as the brokerage counts it."""
    ib = await mixed.connect()

    rows = [(p.contract.symbol, p.contract.secType, p.contract.exchange, p.position, p.avgCost) for p in ib.positions()]

    assert rows == [
        ("SPY", "STK", "ARCA", 10, 450),
        ("AAPL", "OPT", "CBOE", -1, 600),
        ("SAP", "STK", "IBIS", 50, 150),
    ]


async def test_net_liquidation_counts_everything_in_the_base_currency(mixed: RunningSandbox) -> None:
    """10 000 + 110 cash, 5 000 of stock, minus 500 for the short call, and 11 000 of SAP."""
    ib = await mixed.connect()

    figures = values(ib, "DU1", "USD")

    assert figures["NetLiquidation"] == "25610.00"
    assert figures["TotalCashValue"] == "10110.00"
    assert figures["SettledCash"] == "4110.00"


async def test_cash_is_told_by_currency_and_in_total(mixed: RunningSandbox) -> None:
    """The total stands under BASE."""
    ib = await mixed.connect()

    assert values(ib, "DU1", "EUR")["CashBalance"] == "100.00"
    assert values(ib, "DU1", "EUR")["ExchangeRate"] == "1.100000"
    assert values(ib, "DU1", "BASE")["CashBalance"] == "10110.00"


async def test_the_summary_gives_the_tags_of_all_accounts(mixed: RunningSandbox) -> None:
    """Every account answers, the ledger by currency included."""
    ib = await mixed.connect()

    rows = await ib.accountSummaryAsync()

    by_account = {row.account: row.value for row in rows if row.tag == "NetLiquidation"}
    assert by_account == {"DU1": "25610.00", "DU2": "7.00"}
    assert {row.currency for row in rows if row.tag == "CashBalance"} == {"BASE", "EUR", "USD"}


async def test_a_third_summary_is_too_many(mixed: RunningSandbox) -> None:
    """Two subscriptions are allowed."""
    ib = await mixed.connect()
    wire: Any = ib.client

    for request_id in (901, 902, 903):
        wire.reqAccountSummary(request_id, "All", "NetLiquidation")
    await ib.reqCurrentTimeAsync()

    assert [(request_id, code) for request_id, code, _ in mixed.errors] == [(903, 322)]


async def test_the_portfolio_values_positions_in_their_own_currency(mixed: RunningSandbox) -> None:
    """Only the account that was subscribed to has one."""
    ib = await mixed.connect()

    await ib.reqAccountUpdatesAsync("DU1")

    rows = {item.contract.symbol: (item.marketValue, item.unrealizedPNL) for item in ib.portfolio("DU1")}
    assert rows == {"SPY": (5000, 500), "AAPL": (-500, 100), "SAP": (10_000, 2500)}
    assert ib.portfolio("DU2") == []


async def test_an_unknown_account_is_refused(mixed: RunningSandbox) -> None:
    """A request for it hears 321, which the client takes for a warning: it would wait for ever."""
    ib = await mixed.connect()
    wire: Any = ib.client

    wire.reqAccountUpdatesMulti(77, "U999", "", False)
    await ib.reqCurrentTimeAsync()

    assert [(request_id, code) for request_id, code, _ in mixed.errors] == [(77, 321)]


async def test_a_fill_is_pushed_to_positions_and_values(sandbox: RunningSandbox) -> None:
    """Nobody has to ask again; what is sold out disappears."""
    ib = await sandbox.connect()
    await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 10, account="DU1", tif="DAY")), "Filled")
    await ib.reqCurrentTimeAsync()
    bought = [position.position for position in ib.positions()]
    cash = values(ib, "DU1", "USD")["TotalCashValue"]

    await until_status(ib.placeOrder(SPY, MarketOrder("SELL", 10, account="DU1", tif="DAY")), "Filled")
    await ib.reqCurrentTimeAsync()

    assert (bought, cash) == ([10], "95000.00")
    assert ib.positions() == []


async def test_account_figures_may_lag_behind_a_fill() -> None:
    """The truth moves at once, what clients see follows later."""
    async with running_sandbox(latency={"account_lag_ms": 50}) as sandbox:
        ib = await sandbox.connect()
        moved = asyncio.Event()

        def note(_: Position) -> None:
            moved.set()

        ib.positionEvent += note

        await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 10, account="DU1", tif="DAY")), "Filled")
        seen_at_once = await ib.reqPositionsAsync()

        assert seen_at_once == []
        assert sandbox.world.account_state("DU1").cash == 95_000
        await asyncio.wait_for(moved.wait(), 2)
        assert [position.position for position in ib.positions()] == [10]


async def test_a_cash_account_refuses_what_it_cannot_pay(mixed: RunningSandbox) -> None:
    """Open buys count against the cash, and nothing may be sold short."""
    ib = await mixed.connect()
    mixed.world.add_fault({"kind": "slow_fill", "times": 1})
    await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 20, account="DU1", tif="DAY")), "Submitted")

    dear = await until_status(ib.placeOrder(SPY, MarketOrder("BUY", 1, account="DU1", tif="DAY")), "Inactive")
    short = await until_status(ib.placeOrder(SPY, MarketOrder("SELL", 11, account="DU1", tif="DAY")), "Inactive")

    assert "insufficient cash" in dear.log[-2].message
    assert "sell short" in short.log[-2].message
    assert mixed.world.account_state("DU1").cash == Decimal(10_110)


async def test_proceeds_of_a_cash_account_are_not_settled_today(mixed: RunningSandbox) -> None:
    """They are cash, but not settled cash."""
    ib = await mixed.connect()

    await until_status(ib.placeOrder(SPY, MarketOrder("SELL", 10, account="DU1", tif="DAY")), "Filled")

    state = mixed.world.account_state("DU1")
    assert (state.cash, state.settled_cash) == (15_110, 4_110)
