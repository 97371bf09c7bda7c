"""A short run of the chaos driver: some trials of the queue for each kind of fault, and some of the whole system."""

import random

import pytest

from chaos.explorer.schedule import open_explorer
from chaos.processes import Nursery, open_nursery
from chaos.queue_level.arena import Database
from chaos.queue_level.trial import Plan
from chaos.queue_level.trial import run_trial as run_queue_trial
from chaos.system_level.stage import MODULES, open_stage
from chaos.system_level.trial import run_trial as run_system_trial

pytestmark = pytest.mark.integration

GROUPS = (
    ("F1", "F2", "F4", "F6"),
    ("F9", "F10", "F11", "F12"),
    ("F13", "F14", "F15", "F16"),
    ("F20", "F22", "F23"),
    ("F3b", "F3c", "F4b", "F10b"),
    ("F7", "F8", "F17", "F18"),
)


@pytest.mark.parametrize("faults", GROUPS, ids="-".join)
async def test_a_queue_survives_each_fault(actors: Nursery, database: Database, faults: tuple[str, ...]) -> None:
    """One trial for each fault of the group, with a seed of its own, and nothing is found."""
    outcomes = [
        await run_queue_trial(Plan(seed, [fault]), actors, database) for seed, fault in enumerate(faults, start=100)
    ]

    assert [(outcome.seed, outcome.faults, outcome.findings) for outcome in outcomes if outcome.findings] == []
    assert all(outcome.orders for outcome in outcomes)


async def test_no_order_of_calls_breaks_the_queue(database: Database) -> None:
    """F25: seeds decide which actor's call goes next, and what becomes of it."""
    async with open_explorer(database) as explorer:
        outcomes = [await explorer.run(seed) for seed in (1, 2, 3)]

    assert [(outcome.seed, outcome.findings) for outcome in outcomes if outcome.findings] == []
    assert all(outcome.orders for outcome in outcomes)


@pytest.mark.e2e
async def test_the_whole_system_survives_kills_at_named_points(pytestconfig: pytest.Config) -> None:
    """Worker, broker and both stores die while twenty accounts are rebalanced; every account arrives."""
    schema = (pytestconfig.rootpath / "init.sql").read_text("utf-8")
    chance = random.Random(7)  # noqa: S311 - draws faults, keeps no secret
    async with open_nursery(MODULES) as services, open_stage(services, chance, schema) as stage:
        outcomes = [
            await run_system_trial(stage, seed, [fault])
            for seed, fault in enumerate(("F2", "F13+F22", "F1+F6+F13+F22"), start=100)
        ]

    assert [(outcome.seed, outcome.faults, outcome.findings) for outcome in outcomes if outcome.findings] == []
    assert sum(outcome.orders for outcome in outcomes) > 0
