"""The paper brokerage keeps the contract that it helps to check."""

from datetime import UTC, datetime, timedelta

import pytest

from broker_connector_base import TradingSession
from broker_connector_base.testing import CONTRACT_SPEC, ExtendedBrokerWorld, PaperWorld
from broker_connector_base.testing.contract import BrokerContract, BrokerContractExtended

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
TODAY = TradingSession(opens_at=NOON - timedelta(hours=3), closes_at=NOON + timedelta(hours=4))


class TestPaperBroker(BrokerContract, BrokerContractExtended):
    """PaperBroker against PaperBrokerage."""

    @pytest.fixture
    def world(self) -> ExtendedBrokerWorld:
        """The suite's world, at noon of a trading day."""
        return PaperWorld(CONTRACT_SPEC.model_copy(update={"regular": (TODAY,)}), now=lambda: NOON)
