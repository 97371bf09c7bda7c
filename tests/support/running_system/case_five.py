"""Accounts that sell shares of AAA and BBB and then buy CCC, for tests of what happens in between."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from running_system.followers import Follower

_PRICES: Final = {"AAA": 50, "BBB": 20, "CCC": 125}
HELD_AFTER: Final[Mapping[str, int]] = MappingProxyType({"AAA": 594, "BBB": 1485, "CCC": 316})
"""What each of them holds when it has been rebalanced once."""


def followers(count: int) -> Sequence[Follower]:
    """DU1, DU2 and so on, all alike."""
    return [
        Follower(
            account_id=f"DU{number}",
            answer={"AAA": 0.3, "BBB": 0.3, "CCC": 0.4},
            positions={"AAA": 1000, "BBB": 1500},
            cash=20_000,
            reserve=1,
        )
        for number in range(1, count + 1)
    ]


def world(*, fill_ms: float) -> Mapping[str, Any]:
    """Their brokerage, which takes so long for each fill."""
    return {
        "latency": {"reply_ms": 2, "fill_ms": fill_ms, "account_lag_ms": 10},
        "instruments": [{"symbol": symbol, "price": price} for symbol, price in _PRICES.items()],
    }
