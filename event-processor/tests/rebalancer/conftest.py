"""Fixtures of the rebalancer's tests."""

import pytest

from event_processor.testing.scenario import Scenario, case_five


@pytest.fixture
def case_5() -> Scenario:
    """Two positions to trim, one target to buy."""
    return case_five()
