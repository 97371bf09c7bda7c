# ruff: noqa: S101, PLR2004 - assertions on plain numbers are what a test suite consists of
"""What a connector reports: accounts, prices, hours."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import AccountRefused, ContractUnknown, PriceUnavailable
from broker_connector_base.models import PriceSource
from broker_connector_base.testing.world import CASH_ACCOUNT, MARGIN_ACCOUNT, BrokerWorld

_READERS: tuple[Callable[[BrokerClient], Awaitable[object]], ...] = (
    lambda client: client.get_account_snapshot("DU999"),
    lambda client: client.get_open_orders("DU999"),
    lambda client: client.get_fills("DU999"),
    lambda client: client.get_positions_after_trading("DU999", timeout_seconds=1),
    lambda client: client.await_cash("DU999", at_least=Decimal(1), timeout_seconds=1),
)


class ReadingContract:
    """Nothing here changes anything at the brokerage."""

    async def test_the_accounts_of_the_login_are_known(self, client: BrokerClient) -> None:
        """Both, and no others."""
        assert await client.get_managed_accounts() == {MARGIN_ACCOUNT, CASH_ACCOUNT}

    async def test_a_snapshot_is_complete(self, client: BrokerClient) -> None:
        """Value, cash, and positions with their contracts."""
        snapshot = await client.get_account_snapshot(MARGIN_ACCOUNT)

        assert (snapshot.account_id, snapshot.cash, snapshot.is_cash_account) == (MARGIN_ACCOUNT, 100_000, False)
        assert snapshot.net_liquidation == Decimal(150_000)
        assert [(held.symbol, held.quantity, held.is_tradeable) for held in snapshot.positions] == [("SPY", 100, True)]
        assert all(held.contract_id for held in snapshot.positions)
        assert snapshot.taken_at.tzinfo is not None

    async def test_a_cash_account_may_spend_what_has_settled(self, client: BrokerClient) -> None:
        """The rest is there, but not yet."""
        snapshot = await client.get_account_snapshot(CASH_ACCOUNT)

        assert snapshot.is_cash_account
        assert (snapshot.cash, snapshot.settled_cash, snapshot.spendable_cash) == (5000, 3000, 3000)

    @pytest.mark.parametrize("read", _READERS)
    async def test_an_account_of_somebody_else_is_refused(
        self, client: BrokerClient, read: Callable[[BrokerClient], Awaitable[object]]
    ) -> None:
        """Never empty, never zero."""
        with pytest.raises(AccountRefused):
            await read(client)

    async def test_prices_name_their_source_and_time(self, client: BrokerClient, world: BrokerWorld) -> None:
        """The mid of a live quote, as it is now."""
        world.set_price("TLT", Decimal(91))

        prices = await client.get_market_prices(["SPY", "TLT"], allow_previous_close=False)

        assert {symbol: quote.price for symbol, quote in prices.items()} == {"SPY": Decimal(500), "TLT": Decimal(91)}
        assert {quote.source for quote in prices.values()} == {PriceSource.LIVE_MID}
        assert all(quote.symbol == symbol for symbol, quote in prices.items())
        assert all(quote.observed_at.tzinfo is not None for quote in prices.values())

    async def test_a_symbol_without_a_price_is_named(self, client: BrokerClient) -> None:
        """One missing price spoils the whole answer."""
        with pytest.raises(PriceUnavailable) as caught:
            await client.get_market_prices(["SPY", "GLD"], allow_previous_close=False)

        assert caught.value.symbols == ("GLD",)

    async def test_an_unknown_symbol_is_refused(self, client: BrokerClient) -> None:
        """For prices and for hours."""
        with pytest.raises(ContractUnknown, match="NOSUCH"):
            await client.get_market_prices(["SPY", "NOSUCH"], allow_previous_close=True)
        with pytest.raises(ContractUnknown, match="NOSUCH"):
            await client.get_trading_hours(["NOSUCH"])

    async def test_hours_hold_the_present_session(self, client: BrokerClient, world: BrokerWorld) -> None:
        """The market of the suite's world is open, and its sessions are in order."""
        hours = await client.get_trading_hours(["SPY", "TLT"])

        assert hours.keys() == {"SPY", "TLT"}
        for symbol, each in hours.items():
            assert each.symbol == symbol
            assert any(session.contains(world.now()) for session in each.regular)
            assert list(each.regular) == sorted(each.regular, key=lambda session: session.opens_at)

    async def test_questions_may_be_asked_side_by_side(self, client: BrokerClient) -> None:
        """Answers find their questions."""
        first, second, prices = await asyncio.gather(
            client.get_account_snapshot(MARGIN_ACCOUNT),
            client.get_account_snapshot(CASH_ACCOUNT),
            client.get_market_prices(["SPY"], allow_previous_close=False),
        )

        assert (first.cash, second.cash, prices["SPY"].price) == (100_000, 5000, 500)

    async def test_cash_that_does_not_come_is_told_as_it_is(self, client: BrokerClient) -> None:
        """At the deadline the latest figure, not an error."""
        assert await client.await_cash(MARGIN_ACCOUNT, at_least=Decimal(10**9), timeout_seconds=0.1) == 100_000
