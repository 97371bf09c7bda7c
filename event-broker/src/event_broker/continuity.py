"""What is known of each channel's past, so that operators learn when it was not heard."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from event_broker.trigger import Trigger
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Interruption:
    """A stretch of a channel's time in which messages may have passed unheard.

    They are read from its history from then on; what that does not hold any more is told as a `MissedStretch`.
    """

    channel: str
    since: datetime
    """When the channel was last known to be heard."""
    noticed_at: datetime
    last_message_at: datetime | None
    """When the channel's latest message was published."""


OnInterruption = Callable[[Interruption], None]
"""Called once for each interruption, when the channel is heard again."""


class Continuity:
    """When each channel was last heard, over all connections of the process."""

    def __init__(self, clock: Clock, on_interruption: OnInterruption) -> None:
        """Take whom to tell of interruptions."""
        self._clock = clock
        self._on_interruption = on_interruption
        self._heard_at: dict[str, datetime] = {}
        self._messages_at: dict[str, datetime] = {}

    @property
    def last_message_at(self) -> datetime | None:
        """When the latest message that this process was told of was published."""
        return max(self._messages_at.values(), default=None)

    def attached_anew(self, channel: str) -> None:
        """The channel was attached without resuming: an interruption, unless it is the first time."""
        now = self._clock.now()
        since = self._heard_at.get(channel)
        self._heard_at[channel] = now
        if since is not None:
            self._on_interruption(Interruption(channel, since, now, self._messages_at.get(channel)))

    def heard(self, channel: str) -> None:
        """The channel is attached on a connection that has just proved to be alive."""
        self._heard_at[channel] = self._clock.now()

    def message(self, trigger: Trigger) -> None:
        """A message came; it may be an old one, told once more."""
        channel = trigger.channel
        self._heard_at[channel] = trigger.received_at
        self._messages_at[channel] = max(trigger.moment, self._messages_at.get(channel, trigger.moment))


def log_interruption(interruption: Interruption) -> None:
    """Tell operators since when the channel was not heard; a clock that went back meanwhile makes it no time at all."""
    silence = (interruption.noticed_at - interruption.since).total_seconds()
    _log.warning(
        "channel_continuity_lost",
        channel=interruption.channel,
        since=interruption.since.isoformat(),
        seconds=round(max(0.0, silence), 3),
        last_message_at=interruption.last_message_at.isoformat() if interruption.last_message_at else None,
    )
