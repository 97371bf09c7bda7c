"""The share of an account that stays cash."""

from decimal import Decimal

import pytest

from rebalance_calculator import resolve_reserve


@pytest.mark.parametrize("configured", ["0", "0.5", "1", "10"])
def test_a_percentage_from_0_to_10_is_used(configured: str) -> None:
    """As configured, without a word."""
    reserve = resolve_reserve(Decimal(configured))

    assert (reserve.percentage, reserve.warning) == (Decimal(configured), None)


def test_an_account_without_a_setting_keeps_1_percent() -> None:
    """The default is no reason to warn."""
    reserve = resolve_reserve(None)

    assert (reserve.percentage, reserve.warning) == (Decimal(1), None)


@pytest.mark.parametrize("configured", ["-0.1", "10.01", "100", "NaN", "Infinity"])
def test_any_other_percentage_becomes_1_with_a_warning(configured: str) -> None:
    """The warning quotes the configuration."""
    reserve = resolve_reserve(Decimal(configured))

    assert reserve.percentage == 1
    assert reserve.warning is not None
    assert configured in reserve.warning
