"""What is known of each channel's past, so that a hole in it is noticed and can be filled."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a channel's time in which messages may have passed unheard.

    What Ably still keeps and the rewind covers comes by itself right after `noticed_at`; anything older is only to be
    had from the channel's history.
    """

    channel: str
    since: datetime
    """When the channel was last known to be heard."""
    noticed_at: datetime
    last_message_at: datetime | None


OnGap = Callable[[Gap], None]
"""Called once for each gap, when the channel is heard again."""


class Continuity:
    """When each channel was last heard, over all connections of the process."""

    def __init__(self, clock: Clock, on_gap: OnGap) -> None:
        """Take whom to tell of gaps."""
        self._clock = clock
        self._on_gap = on_gap
        self._heard_at: dict[str, datetime] = {}
        self._messages_at: dict[str, datetime] = {}

    @property
    def last_message_at(self) -> datetime | None:
        """When the latest message of any channel came."""
        return max(self._messages_at.values(), default=None)

    def attached_anew(self, channel: str) -> None:
        """The channel was attached without resuming: a gap, unless it is the first time."""
        now = self._clock.now()
        since = self._heard_at.get(channel)
        self._heard_at[channel] = now
        if since is not None:
            self._on_gap(Gap(channel, since, now, self._messages_at.get(channel)))

    def heard(self, channel: str) -> None:
        """The channel is attached on a connection that has just proved to be alive."""
        self._heard_at[channel] = self._clock.now()

    def message(self, channel: str) -> datetime:
        """A message of the channel came now."""
        now = self._clock.now()
        self._heard_at[channel] = self._messages_at[channel] = now
        return now


def log_gap(gap: Gap) -> None:
    """Tell operators which signals to check by hand if the gap was longer than Ably's memory."""
    _log.warning(
        "channel_continuity_lost",
        channel=gap.channel,
        since=gap.since.isoformat(),
        seconds=round((gap.noticed_at - gap.since).total_seconds(), 3),
        last_message_at=gap.last_message_at.isoformat() if gap.last_message_at else None,
    )
