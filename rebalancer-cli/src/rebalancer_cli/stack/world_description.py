"""What the simulated outside world holds."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from rebalancer_cli.errors import StackFailed

_TEMPLATE_CASH = 25_000


def demo_world() -> dict[str, Any]:
    """The world that the sandbox package carries."""
    spec = importlib.util.find_spec("sandbox")
    if spec is None or not spec.submodule_search_locations:
        raise StackFailed("the sandbox package is not installed: run `make install`")
    return yaml.safe_load((Path(spec.submodule_search_locations[0]) / "demo_world.yaml").read_text("utf-8"))


def world_for(accounts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The demo world, in which every account of accounts.yaml exists and every channel publishes weights.

    An account that the demo does not know gets some cash and the positions of a demo account; a channel that it does
    not know gets the weights of a demo channel. Entries without an id or a channel are left to the services, which
    refuse them by name.
    """
    world = demo_world()
    known = {account["id"] for account in world["accounts"]}
    channels: dict[str, Any] = world["allocations"]["channels"]
    examples = list(zip(world["accounts"], channels.values(), strict=False))
    for index, account in enumerate(accounts):
        account_id, channel = account.get("account_id"), _channel_of(account)
        if not isinstance(account_id, str) or not isinstance(channel, str):
            continue
        portfolio, weights = examples[index % len(examples)]
        channels.setdefault(channel, weights)
        if account_id not in known:
            known.add(account_id)
            world["accounts"].append({**portfolio, "id": account_id, "cash": _TEMPLATE_CASH})
    return world


def _channel_of(account: Mapping[str, Any]) -> object:
    notification = account.get("notification")
    return cast("dict[str, Any]", notification).get("channel") if isinstance(notification, dict) else None
