"""Every followed channel with its inbox and its past."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from event_broker.catch_up import CatchUp, Means
from event_broker.channel_inbox import ChannelInbox
from event_broker.channel_router import ChannelRouter
from event_broker.safekeeping import Safekeeping


@dataclass(frozen=True, slots=True)
class ChannelLines:
    """One inbox and one reader of the past for each channel."""

    inboxes: Mapping[str, ChannelInbox]
    catch_ups: Mapping[str, CatchUp]

    @property
    def backlog(self) -> int:
        """Messages of all channels that were received and are not yet queued."""
        return sum(inbox.backlog for inbox in self.inboxes.values())

    def past_lost(self) -> None:
        """Redis has lost some of what it took in: each channel is read again from where history knows it."""
        for channel, inbox in self.inboxes.items():
            inbox.past_lost()
            self.begin_catch_up(channel)

    def left_found(self, channel: str) -> None:
        """What an earlier process left on disk has been read only now."""
        self.catch_ups[channel].begin_with_left()

    def begin_catch_up(self, channel: str) -> None:
        """The channel is attached without its past."""
        self.catch_ups[channel].begin()


def lines_of(
    channels: Iterable[str], router: ChannelRouter, means: Means, safes: Mapping[str, Safekeeping] | None = None
) -> ChannelLines:
    """The lines of some channels, none of them running yet; `safes` by channel, where there are any."""
    inboxes = {
        channel: ChannelInbox(router, partial(means.book.reached, channel), (safes or {}).get(channel))
        for channel in channels
    }
    catch_ups = {channel: CatchUp(channel, inbox, means) for channel, inbox in inboxes.items()}
    return ChannelLines(inboxes, catch_ups)
