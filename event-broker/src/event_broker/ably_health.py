"""The connection and its channels, folded into one report `ably`.

Facts: connection (state), channels ({name: state}), last_message_at (when the latest message known was published, RFC
3339 or null), reconnects, backlog (messages received and not yet queued), spool_error (why those wait in memory alone,
or null), last_error ({code, text} or null), and those of `history_health`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

from event_broker.ably_client import AblyFault
from event_broker.ably_ending import Ending
from event_broker.continuity import Continuity
from event_broker.history_health import HistoryHealth
from event_queue.components import ComponentReport, ComponentState
from service_runtime.clock import Clock

COMPONENT: Final = "ably"
CONNECTED: Final = "connected"
ATTACHED: Final = "attached"
_NO_PERMISSION: Final = 40160


class AblyHealth:
    """What is known of Ably at this moment."""

    def __init__(
        self,
        channels: Iterable[str],
        continuity: Continuity,
        clock: Clock,
        *,
        redact: Callable[[str], str] = str,
        idle_reason: str | None = None,
        remarks: Iterable[str] = (),
    ) -> None:
        """Start with nothing known.

        Args:
            channels: the channels that ought to be attached.
            continuity: knows the messages that came.
            clock: stamps the reports.
            redact: masks the key wherever it turns up in an error.
            idle_reason: why there will be no connection at all.
            remarks: sentences about signals that are ignored on purpose; with any the state is never OK.
        """
        self._channels = dict.fromkeys(channels, "initialized")
        self._faults: dict[str, AblyFault] = {}
        self.continuity = continuity
        self._clock = clock
        self._redact = redact
        self._idle_reason = idle_reason
        self._remarks = tuple(remarks)
        self._connection = "initialized"
        self._connects = 0
        self._ending: Ending | None = None
        self._last_error: AblyFault | None = None
        self.past = HistoryHealth()
        """What is known of the channels' past; it tells of its changes through `changed`."""
        self.past.changed = self.note_change
        self.backlog: Callable[[], int] = int
        """How many received messages are not yet queued."""
        self.taken_in_until: Callable[[], datetime | None] = _no_time
        """When the latest message taken in was published, whichever process took it in."""
        self.intake_trouble: Callable[[], str | None] = _no_trouble
        """Why the queue takes none of them."""
        self.spool_trouble: Callable[[], str | None] = _no_trouble
        """Why those that wait are not on disk."""
        self.changed: Callable[[], None] = _nobody
        """Called after each change."""

    def is_attached(self, channel: str) -> bool:
        """Whether the channel is attached, as far as is known."""
        return self._channels[channel] == ATTACHED

    def connection_is(self, state: str) -> None:
        """The connection changed its state."""
        if state == CONNECTED and self._connection != CONNECTED:
            self._connects += 1
            self._ending = None
        self._connection = state
        self.changed()

    def channel_is(self, channel: str, state: str, fault: AblyFault | None = None) -> None:
        """A channel changed its state; its last fault is remembered until it is attached."""
        self._channels[channel] = state
        if state == ATTACHED:
            self._faults.pop(channel, None)
        elif fault:
            self._faults[channel] = self._last_error = fault
        self.changed()

    def ended(self, ending: Ending) -> None:
        """The client's life ended; nothing is attached until the next one."""
        self._ending = ending
        self._last_error = ending.fault or self._last_error
        self._connection = "disconnected"
        self._channels = dict.fromkeys(self._channels, "detached")
        self.changed()

    def note_change(self) -> None:
        """Something that the report asks others about has changed."""
        self.changed()

    def report(self) -> ComponentReport:
        """The state as one report."""
        state, detail = self._verdict()
        spool_trouble = self.spool_trouble()
        notes = (*_of_spool(spool_trouble), *self._remarks)
        if notes and state is ComponentState.OK:
            state = ComponentState.DEGRADED
        last_message_at = max(filter(None, (self.continuity.last_message_at, self.taken_in_until())), default=None)
        error = self._last_error
        return ComponentReport(
            name=COMPONENT,
            state=state,
            detail=self._redact(" ".join((detail, *notes))),
            facts={
                "connection": self._connection,
                "channels": dict(self._channels),
                "last_message_at": last_message_at.isoformat() if last_message_at else None,
                "reconnects": max(0, self._connects - 1),
                "backlog": self.backlog(),
                "spool_error": spool_trouble,
                "last_error": {"code": error.code, "text": self._redact(error.text)} if error else None,
                **self.past.facts(self._redact),
            },
            reported_at=self._clock.now(),
        )

    def _verdict(self) -> tuple[ComponentState, str]:
        if self._idle_reason is not None:
            return ComponentState.DOWN, self._idle_reason
        if self._connection != CONNECTED:
            if self._ending is not None:
                return ComponentState.DOWN, f"{self._ending.words}."
            words = "Connecting to Ably." if self._connects == 0 else "The connection to Ably was lost; reconnecting."
            return ComponentState.DEGRADED, words
        complaints = (*self._missing(), *self._waiting(), *self.past.complaints(self._clock.now()))
        if complaints:
            return ComponentState.DEGRADED, " ".join(complaints)
        return ComponentState.OK, f"Connected; listening to {', '.join(self._channels)}."

    def _missing(self) -> Iterator[str]:
        """A sentence about each channel that is not attached."""
        for channel, state in self._channels.items():
            if state == ATTACHED:
                continue
            fault = self._faults.get(channel)
            if fault is None:
                yield f"Channel {channel} is {state}."
            elif fault.code == _NO_PERMISSION:
                yield f"The key may not subscribe to channel {channel} ({fault}); check its capabilities. Trying again."
            else:
                yield f"Channel {channel} is {state} ({fault}). Trying again."

    def _waiting(self) -> Iterator[str]:
        trouble = self.intake_trouble()
        if trouble is not None:
            yield f"{self.backlog()} received messages are kept and wait for the queue ({trouble})."


def _of_spool(trouble: str | None) -> Iterator[str]:
    if trouble is not None:
        yield f"Signals that wait for the queue are in memory alone ({trouble}); trying again."


def _no_time() -> None:
    """No message is known."""


def _no_trouble() -> None:
    """The queue takes everything."""


def _nobody() -> None:
    """Nobody listens yet."""
