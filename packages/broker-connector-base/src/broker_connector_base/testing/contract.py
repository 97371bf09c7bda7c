"""The test suite that every connector must pass.

Derive a test class and give it a fixture `world` that yields a `BrokerWorld` set up as `CONTRACT_SPEC`:

    class TestMyConnector(BrokerContract):
        @pytest.fixture
        async def world(self) -> AsyncIterator[BrokerWorld]:
            ...

The suite waits for events and for deadlines of the interface itself, never for a clock.
"""

from collections.abc import AsyncIterator

import pytest

from broker_connector_base.base_client import BrokerClient
from broker_connector_base.testing.contract_of_closing import ClosingContract
from broker_connector_base.testing.contract_of_foreign_orders import ForeignOrderContract
from broker_connector_base.testing.contract_of_foresight import ForesightContract
from broker_connector_base.testing.contract_of_orders import OrderContract
from broker_connector_base.testing.contract_of_reading import ReadingContract
from broker_connector_base.testing.contract_of_sessions import SessionContract
from broker_connector_base.testing.world import BrokerWorld


class BrokerContract(ReadingContract, OrderContract, SessionContract):
    """All of it: reading, orders, sessions."""

    @pytest.fixture
    async def client(self, world: BrokerWorld) -> AsyncIterator[BrokerClient]:
        """A connected client, disconnected at the end."""
        client = world.new_client()
        await client.connect()
        yield client
        await client.disconnect()


class BrokerContractExtended(ForeignOrderContract, ForesightContract, ClosingContract):
    """The second half of the contract: `class TestMyConnector(BrokerContract, BrokerContractExtended)`.

    Its fixture `world` yields an `ExtendedBrokerWorld`. A connector joins it as soon as it cancels the orders of
    others through their owners, keeps prices for `max_age_seconds`, answers `what_if`, and sends market-on-close
    orders; one that trades for people passes both halves.
    """
