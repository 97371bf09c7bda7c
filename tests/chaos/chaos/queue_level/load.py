"""What is sent in a trial of the queue, drawn from its seed."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

ACCOUNTS = [f"DU{number:02}" for number in range(1, 21)]
SOURCES = ("ably", "api", "file")
_SCRIPTS = (
    *[["ok"]] * 5,
    ["fail", "ok"],
    ["fail", "fail", "ok"],
    ["delay", "ok"],
    ["skip"],
    ["fail", "delay", "ok"],
)
_COMMANDS = ("rebalance", "rebalance", "rebalance", "print-equity", "cancel-orders")


def draw_load(chance: random.Random, count: int, *, pairs: int = 100, longest_gap: float = 0.006) -> dict[str, Any]:
    """Source -> its signals in order; few `pairs` make many duplicates."""
    choices = [(account, command) for account in ACCOUNTS for command in _COMMANDS]
    chosen = [chance.choice(choices) for _ in range(pairs)]
    load: dict[str, Any] = {source: [] for source in SOURCES}
    for number in range(1, count + 1):
        account, command = chance.choice(chosen)
        source = chance.choice(SOURCES)
        load[source].append(
            {
                "n": number,
                "id": str(UUID(int=chance.getrandbits(128), version=4)),
                "via": source,
                "account": account,
                "command": command,
                "script": chance.choice(_SCRIPTS),
                "after": chance.uniform(0, longest_gap),
            }
        )
    return load


def poisoned(signals: Sequence[dict[str, Any]], chance: random.Random) -> None:
    """Give a few of the signals data that nothing could store unchanged: they must be refused, and stop nobody."""
    poisons: list[Any] = ["a\x00b", "\ud800", float("nan"), 1e400, "x" * 70_000, 10**400]
    for signal in chance.sample(list(signals)[:-3], min(4, max(0, len(signals) - 3))):
        signal["more"] = {"poison": chance.choice(poisons)}
