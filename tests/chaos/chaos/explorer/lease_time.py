"""How time passes for leases in a schedule: by whole lengths, when the story says so."""

from dataclasses import dataclass, field
from typing import Any, Final

_LEASE: Final = "processor_lease"


@dataclass
class LeaseTime:
    """The clock that every worker and Redis have in common as far as leases go."""

    lengths: int = 0
    """How many have passed. A lease that was granted before the last one counts no more, and its worker knows."""
    held_unused: set[str] = field(default_factory=set[str])
    """Tokens that their holders renew while they wait: these outlast a length."""

    async def pass_a_length(self, raw: Any) -> None:
        """Let every lease end that nobody renews."""
        self.lengths += 1
        if await raw.get(_LEASE) not in self.held_unused:
            await raw.delete(_LEASE)
