"""The scenarios as values: well-formed, documented, and none with a claim that cannot fail."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from rebalancer_cli.project import Project
from rebalancer_cli.scenarios.catalogue.every import EVERY_SCENARIO
from rebalancer_cli.scenarios.evidence import Evidence
from rebalancer_cli.scenarios.report import findings, print_outcome, print_scenarios
from rebalancer_cli.scenarios.scenario import Scenario
from rebalancer_cli.scenarios.setting import scenario_plan, scenario_world
from rebalancer_cli.stack.running_stack import SERVICES
from sandbox.launcher import SandboxSpec
from service_runtime.accounts_loader import load_accounts
from service_runtime.settings_loader import load_settings

EvidenceMaker = Callable[..., Evidence]

EVERY = pytest.mark.parametrize("scenario", EVERY_SCENARIO.values(), ids=EVERY_SCENARIO)
CHAOS = """
17 place_order SELL 32 SPY a
17 fill SELL 32 SPY a
17 place_order BUY 5 QQQ -
17 place_order SELL 32 SPY a
17 order_cancelled - 0 SPY a
17 cancel_order - 0 SPY a
"""


@EVERY
def test_every_claim_can_fail(scenario: Scenario, make_evidence: EvidenceMaker, untouched: EvidenceMaker) -> None:
    """A run in which nothing came of the signal, or one in which all went wrong, breaks each claim."""
    unheard: dict[str, Any] = {"status": "waiting", "times_queued": 1, "result": None, "history": []}
    lost: dict[str, Any] = {"status": "deleted", "times_queued": 3, "data": {}, "result": {}, "history": []}
    wrong: dict[str, Any] = {"cash": "-1", "held": {"SPY": 1}, "open_orders": 2, "event": lost, "code": 500}
    silence = untouched(event=unheard, code=501, meanwhile=[untouched(event=unheard, code=501)])
    chaos = make_evidence(journal=CHAOS, **wrong, meanwhile=[make_evidence(journal=CHAOS.splitlines()[1], **wrong)])
    both = [findings(scenario, evidence) for evidence in (silence, chaos)]

    never = [words for (words, one), (_, other) in zip(*both, strict=True) if not one and not other]
    assert never == []


@EVERY
def test_a_scenario_is_well_formed(scenario: Scenario) -> None:
    """A name for the command line, one line of summary, claims that differ, services that exist."""
    words = [claim.words for claim in scenario.claims]

    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", scenario.name)
    assert scenario.summary
    assert "\n" not in scenario.summary
    assert len(set(words)) == len(words) >= 4
    assert scenario.kills <= SERVICES.keys()


@EVERY
def test_a_scenario_is_described(scenario: Scenario, pytestconfig: pytest.Config) -> None:
    """Its row stands in docs/scenarios.md."""
    page = (pytestconfig.rootpath / "docs" / "scenarios.md").read_text("utf-8")

    assert f"\n| `{scenario.name}` | " in page


def test_the_page_describes_no_other_scenarios(pytestconfig: pytest.Config) -> None:
    """What was taken out of the code is not left in the document."""
    page = (pytestconfig.rootpath / "docs" / "scenarios.md").read_text("utf-8")

    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(EVERY_SCENARIO)


@EVERY
def test_a_scenario_sets_up_a_world_and_accounts_that_are_understood(scenario: Scenario, tmp_path: Path) -> None:
    """The sandbox takes the world, the services take accounts.yaml and the settings."""
    project = Project(tmp_path, {})
    (tmp_path / "init.sql").write_text("")

    plan = scenario_plan(project, scenario, tmp_path)

    assert SandboxSpec.from_dict(scenario_world(scenario)).world.accounts
    assert load_settings(plan.environment, working_directory=tmp_path).processing.pause_connection_seconds == 1
    assert list(load_accounts(tmp_path / "accounts.yaml").by_id) == ["DU1000001"]
    assert yaml.safe_load(yaml.safe_dump(dict(plan.world or {}))) == plan.world
    assert scenario.settings.items() <= plan.environment.items()


def test_the_list_shows_every_scenario(console: Console, output: StringIO) -> None:
    """Each by name with its summary."""
    print_scenarios(console, EVERY_SCENARIO.values())

    shown = output.getvalue()
    assert [name for name in EVERY_SCENARIO if f"│ {name} " not in shown] == []
    assert [each.name for each in EVERY_SCENARIO.values() if each.summary not in shown] == []


def test_a_report_says_which_claims_hold(console: Console, output: StringIO, make_evidence: EvidenceMaker) -> None:
    """What the brokerage saw, the event's state, and each claim with its verdict."""
    scenario = EVERY_SCENARIO["preset-message"]
    evidence = make_evidence()

    print_outcome(console, scenario, evidence, findings(scenario, evidence))

    lines = output.getvalue().splitlines()
    assert "  client 17  order SELL 31 SPY" in lines
    assert "the event is completed, times_queued 1: done" in lines
    assert "  yes  every order went out exactly once" in lines
    assert "  NO   the trouble came: order_message: no order met order_message" in lines
    assert lines[-1] == "not as it must be"
