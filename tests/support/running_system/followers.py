"""Accounts of a test: what they hold in the simulated world, and how the rebalancer is told of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """An account and the model that it follows.

    `answer` is what the allocations API says of the channel: weights by symbol, or an answer as the sandbox takes it.
    """

    account_id: str
    answer: Mapping[str, Any]
    cash: float = 0
    positions: Mapping[str, float] = field(default_factory=dict[str, float])
    cost: float | None = None
    """What one share of each position was bought at; the price of today if absent."""
    reserve: float = 0
    """Percent."""
    channel: str = ""
    """A channel of its own if absent."""
    configured: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """More of its entry in accounts.yaml."""
    booked: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """More of its account in the simulated world."""
    in_world: bool = True
    """False: the gateway's login does not manage it."""

    @property
    def channel_name(self) -> str:
        """The Ably channel, and the name of the allocations."""
        return self.channel or f"model-of-{self.account_id}"

    @property
    def is_enabled(self) -> bool:
        """Whether the rebalancer shall care."""
        return self.configured.get("enabled", True)

    def entry(self) -> dict[str, Any]:
        """As accounts.yaml has it."""
        return {
            "account_id": self.account_id,
            "notification": {"channel": self.channel_name},
            "rebalancing": {"equity_reserve_percentage": self.reserve},
            **self.configured,
        }

    def portfolio(self) -> dict[str, Any]:
        """As the simulated world has it."""
        cost = {} if self.cost is None else {"avg_cost": self.cost}
        held = [{"symbol": symbol, "quantity": count, **cost} for symbol, count in self.positions.items()]
        return {"id": self.account_id, "cash": self.cash, "positions": held, **self.booked}


def sandbox_spec(followers: Sequence[Follower], world: Mapping[str, Any]) -> dict[str, Any]:
    """The specification of a sandbox with these accounts and models; `world` gives instruments and all else."""
    channels = {follower.channel_name: dict(follower.answer) for follower in followers}
    return {
        **world,
        "accounts": [follower.portfolio() for follower in followers if follower.in_world],
        "allocations": {**world.get("allocations", {}), "channels": channels},
    }


def write_files(directory: Path, followers: Sequence[Follower], replacement_sets: Mapping[str, Any]) -> None:
    """accounts.yaml, replacement-sets.yaml and an empty config.yaml; JSON is YAML too."""
    contents: Mapping[str, Any] = {
        "accounts.yaml": [follower.entry() for follower in followers],
        "replacement-sets.yaml": {"replacement_sets": replacement_sets},
        "config.yaml": {},
    }
    for name, content in contents.items():
        (directory / name).write_text(json.dumps(content), "utf-8")
