"""What the report `ably` says about each channel's past: what is being read, what cannot be, what may be missing.

Facts: catching_up (channels), history_errors ({channel: text}), gaps ({channel: {from, to, noticed_at}}, RFC 3339).
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from event_broker.ably_client import AblyFault
from event_queue.progress import MissedStretch

COMPLAINT_LASTS: Final = timedelta(days=1)
"""How long a gap keeps the part degraded; as a fact it stays until the next one of its channel."""
_NO_PERMISSION: Final = 40160


class HistoryHealth:
    """The state of every channel's past."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._faults: dict[str, AblyFault | None] = {}
        self._missed: dict[str, MissedStretch] = {}
        self.changed: Callable[[], None] = _nobody
        """Called after each change."""

    def is_reading(self, channel: str, fault: AblyFault | None = None) -> None:
        """The channel's history is being read; with a fault: again, because it could not be."""
        self._faults[channel] = fault
        self.changed()

    def is_read(self, channel: str) -> None:
        """Nothing is left to read."""
        self._faults.pop(channel, None)
        self.changed()

    def may_have_missed(self, channel: str, missed: MissedStretch) -> None:
        """Messages of that time cannot be read any more."""
        self._missed[channel] = missed
        self.changed()

    def facts(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """For machines."""
        return {
            "catching_up": list(self._faults),
            "history_errors": {name: redact(str(fault)) for name, fault in self._faults.items() if fault},
            "gaps": {
                channel: {
                    "from": missed.since.isoformat(),
                    "to": missed.until.isoformat(),
                    "noticed_at": missed.noticed_at.isoformat(),
                }
                for channel, missed in self._missed.items()
            },
        }

    def complaints(self, now: datetime) -> Iterator[str]:
        """A sentence about each channel whose past is in doubt."""
        for channel, fault in self._faults.items():
            if fault is None:
                continue
            advice = "give the key the capability history" if fault.code == _NO_PERMISSION else "trying again"
            yield f"The history of channel {channel} cannot be read ({fault}); {advice}."
        for channel, missed in self._missed.items():
            if now - missed.noticed_at < COMPLAINT_LASTS:
                yield (
                    f"Signals on channel {channel} from {missed.since.isoformat()} to {missed.until.isoformat()} "
                    "may have been missed; ask its publisher."
                )


def _nobody() -> None:
    """Nobody listens yet."""
