"""Why one connection's life ended, in the words of the health report."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from event_broker.ably_client import AblyFault


class EndingKind(StrEnum):
    """What happened; a new client follows in each case."""

    REFUSED = "refused"
    """Ably turned the connection away: the key, the application or the account is at fault."""
    UNREACHABLE = "unreachable"
    """No connection could be made, or not again after it was lost."""
    SILENT = "silent"
    """The connection claimed to be up and did not answer."""
    CONTINUITY_LOST = "continuity_lost"
    """Ably could not resume a channel; a new client rewinds it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one client's life."""

    kind: EndingKind
    fault: AblyFault | None = None

    @property
    def words(self) -> str:
        """What is wrong and what to do."""
        cause = f": {self.fault}" if self.fault else ""
        match self.kind:
            case EndingKind.REFUSED:
                return f"Ably refused the key{cause}; check ABLY_API_KEY. Trying again"
            case EndingKind.UNREACHABLE:
                return f"Ably cannot be reached{cause}; check the network and ABLY_ENDPOINT. Trying again"
            case EndingKind.SILENT:
                return f"Ably stopped answering{cause}. Connecting anew"
            case EndingKind.CONTINUITY_LOST:
                return f"Ably lost track of a channel{cause}. Connecting anew to read what was missed"
            case _:
                assert_never(self.kind)
