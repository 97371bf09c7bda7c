"""What to start, and with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class StackPlan:
    """One system to run."""

    folder: Path
    """Where the services run; relative names in their settings start here."""
    data: Path
    """Where Redis, PostgreSQL and the logs live."""
    schema: str
    """The text of init.sql."""
    environment: Mapping[str, str]
    """Settings of the services; those of the embedded parts are laid over them."""
    management_host: str
    management_port: int
    api_key: str
    world: Mapping[str, Any] | None
    """The simulated outside world, or None for the real one."""
