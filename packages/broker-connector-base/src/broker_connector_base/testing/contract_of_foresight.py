# ruff: noqa: S101, PLR2004 - assertions on plain numbers are what a test suite consists of
"""What may be known without sending anything: margin effects, day trades, prices read before."""

import asyncio
from decimal import Decimal

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.errors import AccountRefused, ContractUnknown, OrderRejected
from broker_connector_base.models import Side
from broker_connector_base.testing.contract_of_orders import market_order
from broker_connector_base.testing.world import CASH_ACCOUNT, MARGIN_ACCOUNT, ExtendedBrokerWorld


class ForesightContract:
    """Asking changes nothing."""

    async def test_the_margin_effect_of_an_order_is_known_before_it_is_sent(self, client: BrokerClient) -> None:
        """A larger order needs more; no order and no fill is left behind."""
        small = await client.what_if(market_order(Side.BUY, "TLT", 10))
        large = await client.what_if(market_order(Side.BUY, "TLT", 1000))

        assert 0 < small.maintenance_margin_after <= small.initial_margin_after
        assert large.initial_margin_after > small.initial_margin_after
        assert abs(small.equity_with_loan_after - 150_000) <= 10
        assert small.commission >= 0
        assert await client.get_open_orders(MARGIN_ACCOUNT) == ()
        assert await client.get_fills(MARGIN_ACCOUNT) == ()

    async def test_an_order_that_would_be_refused_is_refused_beforehand(self, client: BrokerClient) -> None:
        """Nine thousand dollars are beyond a cash account with five."""
        with pytest.raises(OrderRejected, match=r"\w"):
            await client.what_if(market_order(Side.BUY, "TLT", 100, account_id=CASH_ACCOUNT))

    async def test_a_margin_effect_is_asked_for_known_accounts_and_symbols_only(self, client: BrokerClient) -> None:
        """As when placing."""
        with pytest.raises(AccountRefused):
            await client.what_if(market_order(Side.BUY, "TLT", 1, account_id="DU999"))
        with pytest.raises(ContractUnknown):
            await client.what_if(market_order(Side.BUY, "NOSUCH", 1))

    async def test_the_day_trades_left_are_in_the_snapshot(self, client: BrokerClient) -> None:
        """As the brokerage counts them; an account without the rule has none to count, or any number."""
        margin = await client.get_account_snapshot(MARGIN_ACCOUNT)
        cash = await client.get_account_snapshot(CASH_ACCOUNT)

        assert margin.day_trades_remaining == 3
        assert cash.day_trades_remaining in (None, -1)

    async def test_a_young_price_is_used_again(self, client: BrokerClient, world: ExtendedBrokerWorld) -> None:
        """With the moment at which it was observed, until somebody asks for a new one."""
        (first,) = (await client.get_market_prices(["TLT"], allow_previous_close=False)).values()
        world.set_price("TLT", Decimal(95))

        again = await client.get_market_prices(["TLT", "SPY"], allow_previous_close=False, max_age_seconds=600)
        fresh = await client.get_market_prices(["TLT"], allow_previous_close=False)

        assert again["TLT"] == first
        assert again["SPY"].price == 500
        assert fresh["TLT"].price == 95

    async def test_a_new_price_replaces_the_remembered_one(
        self, client: BrokerClient, world: ExtendedBrokerWorld
    ) -> None:
        """The latest reading is the one that is used again."""
        await client.get_market_prices(["TLT"], allow_previous_close=False)
        world.set_price("TLT", Decimal(95))
        await client.get_market_prices(["TLT"], allow_previous_close=False)

        again = await client.get_market_prices(["TLT"], allow_previous_close=False, max_age_seconds=600)

        assert again["TLT"].price == 95

    async def test_one_answer_serves_all_who_ask_for_a_price_at_once(self, client: BrokerClient) -> None:
        """Whether a remembered price would do for them or not."""
        answers = await asyncio.gather(
            *(
                client.get_market_prices(["TLT"], allow_previous_close=False, max_age_seconds=age)
                for age in (0, 600, 0, 600)
            )
        )

        assert [answer["TLT"].price for answer in answers] == [90] * 4
