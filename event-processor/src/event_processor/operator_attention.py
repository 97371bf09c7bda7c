"""Telling operators about failures that will not heal by themselves: once, not at every attempt."""

from collections import OrderedDict
from typing import Final
from uuid import UUID

import structlog

from event_processor.attempt import Failed
from event_processor.failures import FailureKind
from event_queue.events import RebalanceEvent
from service_runtime.notifications.notice import Nobody, Notice, Notifier, Occasion

_log = structlog.get_logger(__name__)

_MOST_REMEMBERED: Final = 1000


class OperatorAttention:
    """Logs `operator_attention` at ERROR, and notifies, for each event and each new text of a failure."""

    def __init__(self, notifier: Notifier | None = None) -> None:
        """Take the way to people; without one, the log is all."""
        self._notifier = notifier or Nobody()
        self._told: OrderedDict[tuple[UUID, str], None] = OrderedDict()

    def call_for(self, event: RebalanceEvent, failure: Failed) -> None:
        """Call for an operator when somebody has to do something: the broker refused, or the input is wrong."""
        key = (event.event_id, failure.error)
        if failure.kind is not FailureKind.REJECTED or key in self._told:
            return
        self._told[key] = None
        if len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)
        _log.error("operator_attention", command=event.exec_command.value, error=failure.error)
        self._notifier.notify(_notice(event, failure))


def _notice(event: RebalanceEvent, failure: Failed) -> Notice:
    return Notice(
        Occasion.OPERATOR_ATTENTION,
        f"{event.event_id} {failure.error}",
        f"{event.exec_command} of account {event.account_id} needs an operator",
        f"{failure.error}\n\nEvent {event.event_id} is tried again by itself at long intervals. Put right what is "
        "wrong, or delete the event.",
    )
