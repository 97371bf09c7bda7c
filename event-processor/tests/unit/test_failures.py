"""From exceptions to pauses."""

import pytest

from broker_connector_base import (
    AccountRefused,
    BrokerConnectionError,
    CancellationUnconfirmed,
    ClientIdInUse,
    ContractUnknown,
    ForeignOrderOpen,
    OrderRejected,
    OrderUnconfirmed,
    PriceUnavailable,
    SnapshotIncomplete,
)
from event_processor.errors import (
    AccountMisconfigured,
    AccountUnknown,
    AllocationsInvalid,
    AllocationsUnavailable,
    HoursUnknown,
    OrdersLeftOpen,
)
from event_processor.failures import FailureKind, classify, explain, pause_after
from event_queue.errors import QueueUnavailable
from rebalance_calculator import PlanError, ReplacementError
from service_runtime.settings import ProcessingSettings


@pytest.mark.parametrize(
    ("error", "kind", "seconds"),
    [
        (BrokerConnectionError(), "connection", 30),
        (ClientIdInUse(), "connection", 30),
        (SnapshotIncomplete(), "connection", 30),
        (AllocationsUnavailable(), "connection", 30),
        (QueueUnavailable(), "connection", 30),
        (PriceUnavailable(["A"], "no data"), "unexpected", 300),
        (HoursUnknown(), "unexpected", 300),
        (RuntimeError(), "unexpected", 300),
        (KeyError("x"), "unexpected", 300),
        (ContractUnknown(), "rejected", 900),
        (AccountRefused(), "rejected", 900),
        (OrderRejected(), "rejected", 900),
        (OrderUnconfirmed(), "rejected", 900),
        (CancellationUnconfirmed(), "rejected", 900),
        (ForeignOrderOpen(), "rejected", 900),
        (AllocationsInvalid(), "rejected", 900),
        (AccountUnknown(), "rejected", 900),
        (AccountMisconfigured(), "rejected", 900),
        (OrdersLeftOpen(), "rejected", 900),
        (PlanError(), "rejected", 900),
        (ReplacementError(), "rejected", 900),
    ],
)
def test_the_class_of_an_error_decides_its_pause(error: Exception, kind: str, seconds: float) -> None:
    """What heals by itself is tried soon, what somebody must mend late."""
    found = classify(error)

    assert found == FailureKind(kind)
    assert pause_after(found, ProcessingSettings()).total_seconds() == seconds


def test_the_text_of_an_error_decides_nothing() -> None:
    """A rejection that speaks of a timeout stays a rejection."""
    assert classify(OrderRejected("connection timeout, please retry")) is FailureKind.REJECTED


def test_words_for_the_operator_are_never_empty() -> None:
    """Even an error without a message says what it is."""
    assert explain(OrderRejected("201: no")) == "OrderRejected: 201: no"
    assert explain(KeyError()) == "KeyError: no further words"
