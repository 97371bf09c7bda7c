"""What each service says of its parts, kept in Redis so that one /health can show the whole system."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ComponentState(StrEnum):
    """OK works; DEGRADED works in part or for now; DOWN does not work; UNKNOWN was not heard of lately."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """One part's latest word about itself. Names in use: ably, gateway, worker, relay."""

    name: str
    state: ComponentState
    detail: str
    """For people: what is wrong and what to do, or what is connected to what. Never a secret."""
    facts: dict[str, Any]
    """Numbers and names for machines, JSON values only."""
    reported_at: datetime
    process: str = ""
    """Which process says so, of a part of which several may speak; empty where one alone does."""
