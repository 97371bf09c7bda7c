"""What an account's cash must be, roughly: the figure last read, and the fills since."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from broker_connector_base import Fill

_TOLERATED_SHARE: Final = Decimal("0.01")
_TOLERATED_DOLLARS: Final = Decimal(5)
"""Commissions may be reported late, so a figure may differ by this much and one percent of what was traded."""


class CashLedger:
    """Tells a cash figure that is behind the fills from one that is not.

    Dividends, deposits and trades by others change cash as well, so a difference is a reason to wait for a moment and
    never a reason to refuse the figure.
    """

    def __init__(self) -> None:
        self._agreed: Decimal | None = None
        self._absorbed: frozenset[str] = frozenset()

    def agree(self, cash: Decimal, fills: Iterable[Fill]) -> None:
        """Take the figure as one that contains all these fills."""
        self._agreed = cash
        self._absorbed = frozenset(fill.exec_id for fill in fills)

    def lags(self, cash: Decimal, fills: Iterable[Fill]) -> bool:
        """True when the figure does not contain the fills since the last agreement."""
        since = [fill for fill in fills if fill.exec_id not in self._absorbed]
        if self._agreed is None or not since:
            return False
        expected = self._agreed + sum(fill.cash_effect for fill in since)
        traded = sum(fill.quantity * fill.price for fill in since)
        return abs(cash - expected) > _TOLERATED_DOLLARS + _TOLERATED_SHARE * traded
