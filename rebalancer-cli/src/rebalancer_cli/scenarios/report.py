"""What a scenario came to, for people."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from rebalancer_cli.demo.report import print_audit
from rebalancer_cli.scenarios.evidence import Entry, Evidence
from rebalancer_cli.scenarios.scenario import Scenario

_SHOWN = {
    "manual_order": "placed by hand",
    "place_order": "order",
    "order_refused": "refused",
    "cancel_order": "asked to cancel",
    "order_cancelled": "cancelled",
    "fill": "filled",
}

Finding = tuple[str, str]
"""A claim and what speaks against it; empty when nothing does."""


def findings(scenario: Scenario, evidence: Evidence) -> Sequence[Finding]:
    """Every claim of the scenario, judged."""
    return [(claim.words, claim.objection(evidence)) for claim in scenario.claims]


def print_scenarios(console: Console, scenarios: Iterable[Scenario]) -> None:
    """Names and what happens in them."""
    table = Table("scenario", "what goes wrong, and what must come of it")
    for scenario in scenarios:
        table.add_row(scenario.name, scenario.summary)
    console.print(table)


def print_outcome(console: Console, scenario: Scenario, evidence: Evidence, found: Sequence[Finding]) -> None:
    """What the brokerage saw, what the system says, and which claims hold."""
    console.rule(f"{scenario.name}  {evidence.account.account_id}")
    console.print("what the simulated brokerage saw")
    for entry in evidence.end.journal:
        if entry.kind in _SHOWN:
            console.print(f"  {_line(entry)}")
    event = evidence.end.event
    console.print(
        f"the event is {event.get('status')}, times_queued {event.get('times_queued', '?')}{_words(evidence)}"
    )
    print_audit(console, evidence.story)
    console.print(f"GET /health {evidence.end.health_code}: {evidence.end.health.get('message', '')}")
    console.rule("claims")
    for words, objection in found:
        console.print(f"  NO   {words}: {objection}" if objection else f"  yes  {words}", style=_style(objection))
    kept = not any(objection for _, objection in found)
    console.print("as it must be" if kept else "not as it must be", style=_style("" if kept else "objection"))


def _line(entry: Entry) -> str:
    owner = "" if entry.client_id is None else f"client {entry.client_id}"
    shares = f" {entry.quantity:f}" if entry.quantity else ""
    side = f" {entry.side}" if entry.side else ""
    price = (entry.details or {}).get("price")
    at = f" at {price}" if price else ""
    return f"{owner:<10} {_SHOWN[entry.kind]}{side}{shares} {entry.symbol}{at}"


def _words(evidence: Evidence) -> str:
    words = evidence.end.event.get("error_message") or evidence.story.result.get("message")
    return f": {words}" if words else ""


def _style(objection: str) -> str:
    return "red" if objection else "green"
