"""What a pause of trading covers, as clients call it: an account's id, or `all`."""

from typing import Final

from event_queue.outcomes import EVERY_ACCOUNT

ALL: Final = "all"
"""How clients call the scope of every account."""


def shown_scope(scope: str) -> str:
    """A scope of the queue as clients call it."""
    return ALL if scope == EVERY_ACCOUNT else scope


def queue_scope(scope: str) -> str:
    """A client's scope as the queue calls it."""
    return EVERY_ACCOUNT if scope == ALL else scope
