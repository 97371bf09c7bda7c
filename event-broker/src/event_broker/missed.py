"""Whether Ably's history closes a gap: pure reasoning about what was read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from event_broker.trigger import Trigger
from event_queue.progress import MissedStretch, Progress

CLOCK_TOLERANCE: Final = timedelta(seconds=5)
"""How far Ably's clock and ours may be apart before a message counts as forgotten."""


def missed_stretch(
    known: Progress, found: Sequence[Trigger], *, attached_at: datetime, read_at: datetime, retention: timedelta
) -> MissedStretch | None:
    """The time for which nobody can say whether a message was published; None when the history leaves no doubt.

    Ably forgets by age alone. So a history that still holds the last message taken in, or any message from before the
    gap, holds everything since; and it holds the last `retention` in any case, unless the absence of a younger message
    proves the contrary.

    Args:
        known: how far the channel had been taken in.
        found: the history since then.
        attached_at: from when on the channel is heard again.
        read_at: when the history was asked for.
        retention: how long Ably is taken to keep messages.
    """
    heard_until = known.heard_until
    if was_set_back(known, attached_at):
        heard_until = min(known.message_at or attached_at, attached_at)
    if known.message_id is not None and any(each.message_id == known.message_id for each in found):
        return None
    complete_from = read_at - retention
    if known.message_at is not None and known.message_at > complete_from + CLOCK_TOLERANCE:
        complete_from = read_at
    complete_from = min([complete_from, attached_at, *(each.moment for each in found)])
    if complete_from <= heard_until:
        return None
    return MissedStretch(heard_until, complete_from, noticed_at=read_at)


def was_set_back(known: Progress, attached_at: datetime) -> bool:
    """Whether our clock went back since the channel was last heard: that moment then says nothing any more."""
    return known.heard_until - attached_at > CLOCK_TOLERANCE
