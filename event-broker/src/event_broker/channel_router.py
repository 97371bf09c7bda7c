"""From one message to one event for each account on its channel.

Log events: event_queued, event_duplicate (of=), event_remembered (until=), message_already_seen, message_unreadable,
message_without_account, intake_refused.
"""

from collections.abc import Callable, Sequence

import structlog

from event_broker.payload import read_payload
from event_broker.settings import INTAKE_RETRY_SECONDS
from event_broker.trigger import Trigger
from event_queue.arrival import Answer, Arrival
from event_queue.errors import QueueError
from event_queue.events import RebalanceEvent
from event_queue.inbound_message import InboundMessage
from event_queue.outcomes import AlreadySeen, Duplicate, IntakeOutcome, Queued, Remembered
from event_queue.ports.intake import Intake
from service_runtime.accounts import Accounts
from service_runtime.clock import Clock

_log = structlog.get_logger(__name__)


class ChannelRouter:
    """Turns triggers into events and hands them to the queue until it has taken every one."""

    def __init__(
        self, intake: Intake, accounts: Accounts, clock: Clock, *, retry_seconds: float = INTAKE_RETRY_SECONDS
    ) -> None:
        """Take the way into the queue, the accounts that may be queued, and the pause before a refused event."""
        self._intake = intake
        self._accounts = accounts
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._refusals: dict[str, str] = {}

    @property
    def trouble(self) -> str | None:
        """Why the queue does not take a message at this moment; None while it takes them."""
        return next(iter(self._refusals.values()), None)

    async def route(self, trigger: Trigger, *, is_last: Callable[[], bool] = lambda: True) -> None:
        """Return when the queue has taken the message for each account on its channel, in the order of accounts.yaml.

        `is_last` is asked at each offer whether everything that the channel carried before is taken in: a loss of
        Redis, for which the queue refuses a message, may take some of that back.

        An account whose event is not taken leaves the others alone; its event is offered again, unchanged, after a
        fixed pause, for as long as it takes. Nothing is dropped.
        """
        waiting = self._events(trigger)
        while True:
            waiting = await self._offer(trigger, waiting, trigger.message(is_last=is_last()))
            if not waiting:
                self._refusals.pop(trigger.channel, None)
                return
            await self._clock.pause(self._retry_seconds)

    def _events(self, trigger: Trigger) -> Sequence[RebalanceEvent]:
        payload = read_payload(trigger.payload)
        if payload.problem is not None:
            _log.warning(
                "message_unreadable",
                channel=trigger.channel,
                message_id=trigger.message_id,
                reason=payload.problem,
                consequence="queued as a dry run",
            )
        accounts = self._accounts.on_channel(trigger.channel)
        if not accounts:
            _log.warning("message_without_account", channel=trigger.channel, message_id=trigger.message_id)
        return [
            RebalanceEvent.new(
                account_id=account.account_id,
                exec_command=payload.command,
                source="ably",
                now=self._clock.now(),
                data=payload.data,
            )
            for account in accounts
        ]

    async def _offer(
        self, trigger: Trigger, events: Sequence[RebalanceEvent], message: InboundMessage | None
    ) -> Sequence[RebalanceEvent]:
        """Offer the events once, all together; those that the queue has not taken."""
        arrivals = [Arrival(event, message, remember_while_in_flight=True) for event in events]
        answers = await self._intake.enqueue_all(arrivals)
        return [
            event for event, answer in zip(events, answers, strict=True) if not self._is_taken(trigger, event, answer)
        ]

    def _is_taken(self, trigger: Trigger, event: RebalanceEvent, answer: Answer) -> bool:
        if isinstance(answer, QueueError):
            reason = self._refusals[trigger.channel] = f"{type(answer).__name__}: {answer}"
            _log.warning("intake_refused", **_ids(trigger, event), reason=reason, retry_seconds=self._retry_seconds)
            return False
        _log_outcome(answer, trigger, event)
        return True


def _log_outcome(outcome: IntakeOutcome, trigger: Trigger, event: RebalanceEvent) -> None:
    ids = _ids(trigger, event)
    match outcome:
        case Queued():
            _log.info("event_queued", **ids)
        case Duplicate(active_event_id=twin):
            _log.info("event_duplicate", **ids, of=str(twin))
        case Remembered(active_event_id=twin):
            _log.info("event_remembered", **ids, until=str(twin))
        case AlreadySeen():
            _log.info("message_already_seen", **ids)


def _ids(trigger: Trigger, event: RebalanceEvent) -> dict[str, str | None]:
    return {
        "event_id": str(event.event_id),
        "account_id": event.account_id,
        "command": event.exec_command.value,
        "channel": trigger.channel,
        "message_id": trigger.message_id,
    }
