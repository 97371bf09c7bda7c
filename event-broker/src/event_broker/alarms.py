"""What of the service's findings goes out to people, besides the log and health."""

from collections.abc import Callable
from typing import Final

from event_broker.catch_up import log_missed
from event_queue.components import ComponentReport, ComponentState
from event_queue.outbox_size import Pressure, pressure_of
from event_queue.progress import MissedStretch
from service_runtime.notifications.notice import Notice, Notifier, Occasion, Urgency

Describe = Callable[[], ComponentReport]

_LEVELS: Final = (Pressure.NOTICE, Pressure.WARNING, Pressure.ALARM)
_WELL_BELOW: Final = 10
"""Percent under a level at which the outbox counts as having left it."""
_NOT_SPILLED: Final = "spill"


class Alarms:
    """Tells each trouble once, and again only after it was over."""

    def __init__(self, notifier: Notifier) -> None:
        """Take the way to people."""
        self._notifier = notifier

    def signals_missed(self, channel: str, missed: MissedStretch) -> None:
        """Messages of a channel may be missing for good."""
        log_missed(channel, missed)
        since, until = missed.since.isoformat(timespec="seconds"), missed.until.isoformat(timespec="seconds")
        self._notifier.notify(
            Notice(
                Occasion.SIGNALS_MISSED,
                f"{channel} {since} {until}",
                f"Signals on channel {channel} may have been missed",
                f"From {since} to {until} nobody listened, and Ably's history does not reach back so far. "
                "Ask the publisher whether there was a signal; if so, queue a rebalance by hand.",
            )
        )

    def watching(self, describe: Describe) -> Describe:
        """The same description; whatever is alarming in a report of `relay` or `history` is told as it is described."""

        def describe_and_tell() -> ComponentReport:
            report = describe()
            self._look_for_divergence(report)
            self._look_at_outbox(report)
            return report

        return describe_and_tell

    def _look_for_divergence(self, report: ComponentReport) -> None:
        if report.state is not ComponentState.DOWN:
            self._notifier.over(Occasion.QUEUE_DIVERGED, report.name)
            return
        title = "No live run starts: the queue and its history need an operator"
        self._notifier.notify(Notice(Occasion.QUEUE_DIVERGED, report.name, title, report.detail))

    def _look_at_outbox(self, report: ComponentReport) -> None:
        percent = report.facts.get("budget_percent")
        if isinstance(percent, int | float):
            # At the highest level records move to disk at once: what is left in Redis never shows it.
            reached = max(percent, Pressure.ALARM.value) if report.facts.get("spilled_records") else percent
            self._tell_level(reached, report.detail)
        if "spill_error" not in report.facts:
            return
        if report.facts["spill_error"] is None:
            self._notifier.over(Occasion.OUTBOX_FILLING, _NOT_SPILLED)
        else:
            title = "Audit records cannot be moved to disk"
            self._notifier.notify(Notice(Occasion.OUTBOX_FILLING, _NOT_SPILLED, title, report.detail))

    def _tell_level(self, percent: float, detail: str) -> None:
        """Tell the highest level reached; the levels below it need no word of their own."""
        reached = pressure_of(percent)
        for level in _LEVELS:
            if percent < level - _WELL_BELOW:
                self._notifier.over(Occasion.OUTBOX_FILLING, str(level.value))
        if reached is not Pressure.NONE:
            urgency = Urgency.FAILURE if reached is Pressure.ALARM else Urgency.WARNING
            title = f"The audit's outbox has filled to {reached.value} % of its budget"
            body = f"{detail} Bring PostgreSQL back; trading goes on meanwhile."
            self._notifier.notify(Notice(Occasion.OUTBOX_FILLING, str(reached.value), title, body, urgency))
