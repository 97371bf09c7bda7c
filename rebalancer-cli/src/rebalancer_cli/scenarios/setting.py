"""The system that a scenario is played on: the demonstration's world and first account, changed as it says."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rebalancer_cli.demo.story import DemoAccount, accounts_text, demo_accounts
from rebalancer_cli.project import Project
from rebalancer_cli.scenarios.scenario import Scenario
from rebalancer_cli.stack.child_process import base_environment
from rebalancer_cli.stack.plan import StackPlan
from rebalancer_cli.stack.ports import free_port
from rebalancer_cli.stack.world_description import demo_world

_SHORT_PAUSES: Mapping[str, str] = {
    "PROCESSING_PAUSE_CONNECTION_SECONDS": "1",
    "PROCESSING_PAUSE_UNEXPECTED_SECONDS": "600",
    "PROCESSING_PAUSE_REJECTED_SECONDS": "600",
    "IBKR_CONNECT_DELAY_SECONDS": "0.2",
    "IBKR_CONNECT_TRIES": "2",
    "IBKR_REQUEST_TIMEOUT_SECONDS": "8",
    "IBKR_PRICE_WAIT_SECONDS": "2",
    "ORDERS_FILL_TIMEOUT_SECONDS": "20",
    "ORDERS_CANCEL_TIMEOUT_SECONDS": "10",
}
"""A lost connection heals in about a second; what was refused stays put for the length of the play."""


def scenario_account() -> DemoAccount:
    """The one account that every scenario is about."""
    return demo_accounts()[0]


def scenario_plan(project: Project, scenario: Scenario, data: Path) -> StackPlan:
    """A system of the scenario's own in `data`, which gets its accounts.yaml."""
    (data / "accounts.yaml").write_text(yaml.safe_dump([_entry(scenario)]), "utf-8")
    return StackPlan(
        folder=data,
        data=data,
        schema=project.schema,
        environment={**base_environment(), **_SHORT_PAUSES, **scenario.settings},
        management_host="127.0.0.1",
        management_port=free_port(),
        api_key=secrets.token_urlsafe(24),
        world=scenario_world(scenario),
    )


def scenario_world(scenario: Scenario) -> dict[str, Any]:
    """The demonstration's world with the scenario's one account, and its faults instead of the demonstration's."""
    world = demo_world()
    account_id = scenario_account().account_id
    accounts = [account for account in world["accounts"] if account["id"] == account_id]
    return {**world, "accounts": accounts, "faults": [], **scenario.world}


def _entry(scenario: Scenario) -> dict[str, Any]:
    account_id = scenario_account().account_id
    entry = next(entry for entry in yaml.safe_load(accounts_text()) if entry["account_id"] == account_id)
    return {**entry, **scenario.account}
