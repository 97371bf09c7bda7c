"""A running sandbox for each test."""

from collections.abc import AsyncIterator

import pytest

from sandbox.testing import RunningSandbox, running_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    """One margin account DU1 with 100 000, SPY at 500 and TLT at 90, always open."""
    async with running_sandbox() as running:
        yield running
