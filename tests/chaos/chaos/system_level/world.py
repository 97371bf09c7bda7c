"""Twenty accounts of the same worth, and models whose targets are whole numbers of shares.

So every account's end is known to the share, however often its rebalance was interrupted.
"""

import random
from collections.abc import Mapping
from typing import Any

from running_system import Follower

PRICES: Mapping[str, int] = {"AAA": 50, "BBB": 20, "CCC": 125}
WORTH = 100_000
MODELS: tuple[Mapping[str, float], ...] = (
    {"AAA": 0.6, "BBB": 0.4},
    {"AAA": 0.3, "BBB": 0.3, "CCC": 0.4},
    {"CCC": 1.0},
    {"BBB": 0.5, "CCC": 0.5},
    {"AAA": 0.1, "BBB": 0.2, "CCC": 0.7},
)
ACCOUNTS = tuple(f"DU{number:02}" for number in range(1, 21))
WORLD: Mapping[str, Any] = {
    "latency": {"reply_ms": 1, "fill_ms": 5, "account_lag_ms": 5},
    "max_messages_per_second": 1000,
    "instruments": [{"symbol": symbol, "price": price} for symbol, price in PRICES.items()],
    "ably": {"retention_seconds": 3600},
}


def shares(model: Mapping[str, float]) -> dict[str, int]:
    """What an account holds when it has arrived."""
    return {symbol: round(WORTH * weight) // PRICES[symbol] for symbol, weight in model.items()}


def followers() -> list[Follower]:
    """All accounts at the first model."""
    return [
        Follower(account_id=account, answer=MODELS[0], positions=shares(MODELS[0]), cash=0, reserve=0)
        for account in ACCOUNTS
    ]


def another_model(chance: random.Random, present: Mapping[str, float]) -> Mapping[str, float]:
    """Targets that are not those of now."""
    return chance.choice([model for model in MODELS if model != present])
