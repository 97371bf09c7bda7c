"""The simulated world for the accounts of a project."""

from typing import Any

import pytest

from rebalancer_cli.stack.world_description import demo_world, world_for


def entry(account_id: str, channel: str) -> dict[str, Any]:
    return {"account_id": account_id, "notification": {"channel": channel}}


def ids(world: dict[str, Any]) -> list[str]:
    return [account["id"] for account in world["accounts"]]


def test_every_account_and_channel_exists() -> None:
    """Accounts and channels of one's own are added to those of the demo, each with something to trade."""
    world = world_for([entry("DU123456", "mine"), entry("DU789012", "mine")])

    assert ids(world) == [*ids(demo_world()), "DU123456", "DU789012"]
    assert sum(world["allocations"]["channels"]["mine"].values()) == pytest.approx(1)
    assert all(account["cash"] > 0 and account["positions"] for account in world["accounts"])


def test_what_the_demo_knows_stays_as_it_is() -> None:
    """Known accounts and channels are neither doubled nor changed."""
    assert world_for([entry("DU1000001", "strategy-growth")]) == demo_world()


def test_a_repeated_account_exists_once() -> None:
    """The services refuse it by name; the world must start for them to say so."""
    assert ids(world_for([entry("DU9", "mine"), entry("DU9", "other")])).count("DU9") == 1


@pytest.mark.parametrize(
    "odd",
    [{}, {"account_id": "DU9"}, {"account_id": 9, "notification": {"channel": "x"}}, {"notification": "x"}],
)
def test_entries_that_make_no_sense_are_left_to_the_services(odd: dict[str, Any]) -> None:
    """They tell what is wrong better than a world could."""
    assert world_for([odd]) == demo_world()
