"""From an exception to what happens to its event: the kind of failure and the pause that follows. Never by text."""

from datetime import timedelta
from enum import StrEnum
from typing import Final, assert_never

from broker_connector_base import (
    AccountRefused,
    BrokerAPIError,
    BrokerConnectionError,
    ContractUnknown,
    OrderExecutionError,
    SnapshotIncomplete,
)
from event_processor.errors import (
    AccountMisconfigured,
    AccountUnknown,
    AllocationsInvalid,
    AllocationsUnavailable,
    HistoryUnchecked,
    HoursUnknown,
    OrdersLeftOpen,
    TradingHalted,
)
from event_queue.errors import QueueUnavailable
from rebalance_calculator import CalculationError
from service_runtime.settings import ProcessingSettings


class FailureKind(StrEnum):
    """Why an attempt failed, as far as it decides how long the event waits.

    CONNECTION: something could not be reached; usually heals by itself.
    UNEXPECTED: an answer was missing, or the program met what it does not know.
    REJECTED: the broker refused, or the input is wrong; asking again soon would change nothing.
    """

    CONNECTION = "connection"
    UNEXPECTED = "unexpected"
    REJECTED = "rejected"

    @property
    def needs_traceback(self) -> bool:
        """Whether the log should show where it happened: only what the program did not foresee."""
        return self is FailureKind.UNEXPECTED


_KINDS: Final[tuple[tuple[type[Exception], FailureKind], ...]] = (
    (BrokerConnectionError, FailureKind.CONNECTION),
    (SnapshotIncomplete, FailureKind.CONNECTION),
    (ContractUnknown, FailureKind.REJECTED),
    (BrokerAPIError, FailureKind.UNEXPECTED),
    (AccountRefused, FailureKind.REJECTED),
    (OrderExecutionError, FailureKind.REJECTED),
    (AllocationsUnavailable, FailureKind.CONNECTION),
    (AllocationsInvalid, FailureKind.REJECTED),
    (AccountUnknown, FailureKind.REJECTED),
    (AccountMisconfigured, FailureKind.REJECTED),
    (OrdersLeftOpen, FailureKind.REJECTED),
    (TradingHalted, FailureKind.REJECTED),
    (HistoryUnchecked, FailureKind.CONNECTION),
    (HoursUnknown, FailureKind.UNEXPECTED),
    (CalculationError, FailureKind.REJECTED),
    (QueueUnavailable, FailureKind.CONNECTION),
)
"""First match wins, so a narrower class stands before its parent."""


def classify(error: Exception) -> FailureKind:
    """The kind of failure; what is not listed is unexpected."""
    return next((kind for known, kind in _KINDS if isinstance(error, known)), FailureKind.UNEXPECTED)


def pause_after(kind: FailureKind, settings: ProcessingSettings) -> timedelta:
    """How long the event waits before it joins the back of the line."""
    match kind:
        case FailureKind.CONNECTION:
            seconds = settings.pause_connection_seconds
        case FailureKind.UNEXPECTED:
            seconds = settings.pause_unexpected_seconds
        case FailureKind.REJECTED:
            seconds = settings.pause_rejected_seconds
        case _:
            assert_never(kind)
    return timedelta(seconds=seconds)


def explain(error: Exception) -> str:
    """Words for the operator: what happened, and the error's class for whoever looks it up."""
    words = str(error).strip() or "no further words"
    return f"{type(error).__name__}: {words}"
