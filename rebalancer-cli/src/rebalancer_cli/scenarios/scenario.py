"""What a scenario is: a changed world, a play, and claims that the evidence must bear out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rebalancer_cli.scenarios.evidence import Evidence
from rebalancer_cli.scenarios.stage import Stage

Objection = Callable[[Evidence], str]
"""What speaks against a claim, in words; empty when nothing does."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that must be true, and how to tell that it is not."""

    words: str
    objection: Objection


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of trouble. `summary` is one line of what goes wrong and what the system must make of it."""

    name: str
    summary: str
    play: Callable[[Stage], Awaitable[None]]
    claims: Sequence[Claim]
    world: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Keys laid over the simulated world, `faults` among them."""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment variables laid over the short pauses that all scenarios have."""
    account: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Keys laid over the account's entry in accounts.yaml."""
    kills: frozenset[str] = frozenset()
    """Services whose end is part of the play, and no failure of the system."""


def meanwhile(claim: Claim) -> Claim:
    """The same claim about the first moment that the play looked at."""

    def objection(evidence: Evidence) -> str:
        then = evidence.at_first_sighting()
        return "that moment never came" if then is None else claim.objection(then)

    return Claim(f"meanwhile, {claim.words}", objection)
