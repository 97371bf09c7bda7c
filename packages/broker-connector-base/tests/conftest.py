"""A paper brokerage and a client of it. Failures of the shipped suite show their values, as those of tests do."""

import pytest

from broker_connector_base.testing import CONTRACT_SPEC, PaperBroker, PaperBrokerage
from broker_connector_base.testing.standing_clock import StandingClock

pytest.register_assert_rewrite(
    "broker_connector_base.testing.contract_of_closing",
    "broker_connector_base.testing.contract_of_foreign_orders",
    "broker_connector_base.testing.contract_of_foresight",
    "broker_connector_base.testing.contract_of_orders",
    "broker_connector_base.testing.contract_of_reading",
    "broker_connector_base.testing.contract_of_sessions",
)


@pytest.fixture
def clock() -> StandingClock:
    """Noon."""
    return StandingClock()


@pytest.fixture
def brokerage(clock: StandingClock) -> PaperBrokerage:
    """Accounts and quotes of the contract suite; the market never closes."""
    return PaperBrokerage(CONTRACT_SPEC, now=clock)


@pytest.fixture
async def broker(brokerage: PaperBrokerage) -> PaperBroker:
    """A connected client of it."""
    broker = PaperBroker(brokerage)
    await broker.connect()
    return broker
