"""All scenarios by name, in the order in which they are listed."""

from collections.abc import Mapping

from rebalancer_cli.scenarios.catalogue import held_back, order_trouble, outages
from rebalancer_cli.scenarios.scenario import Scenario

EVERY_SCENARIO: Mapping[str, Scenario] = {
    scenario.name: scenario for scenario in (*order_trouble.SCENARIOS, *outages.SCENARIOS, *held_back.SCENARIOS)
}
