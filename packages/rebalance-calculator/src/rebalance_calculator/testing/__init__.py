"""For tests of whatever uses the calculator: short ways to write an account, and a second opinion on plans."""

from rebalance_calculator.testing.accounts import (
    NOON,
    account,
    after_fills,
    inputs,
    position,
    quotes,
    traded,
    weights,
)
from rebalance_calculator.testing.second_opinion import expected_trades

__all__ = [
    "NOON",
    "account",
    "after_fills",
    "expected_trades",
    "inputs",
    "position",
    "quotes",
    "traded",
    "weights",
]
