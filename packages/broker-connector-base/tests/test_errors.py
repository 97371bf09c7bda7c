"""Errors say what to do by their class."""

import pytest

from broker_connector_base import (
    AccountRefused,
    BrokerAPIError,
    BrokerConnectionError,
    BrokerError,
    CancellationUnconfirmed,
    ClientIdInUse,
    ContractUnknown,
    ForeignOrderOpen,
    OrderExecutionError,
    OrderRejected,
    OrderUnconfirmed,
    PriceUnavailable,
    SnapshotIncomplete,
)


@pytest.mark.parametrize(
    ("branch", "members"),
    [
        (BrokerConnectionError, {ClientIdInUse}),
        (BrokerAPIError, {SnapshotIncomplete, PriceUnavailable, ContractUnknown}),
        (OrderExecutionError, {OrderRejected, OrderUnconfirmed, CancellationUnconfirmed, ForeignOrderOpen}),
        (BrokerError, {BrokerConnectionError, BrokerAPIError, AccountRefused, OrderExecutionError}),
    ],
)
def test_the_tree_is_as_drawn(branch: type[BrokerError], members: set[type[BrokerError]]) -> None:
    """A caller catches a branch and gets exactly its members."""
    own = {each for each in branch.__subclasses__() if each.__module__ == branch.__module__}

    assert own == members


def test_missing_prices_are_named_in_order() -> None:
    """In the attribute for code, in the message for people."""
    error = PriceUnavailable({"TLT", "GLD"}, "market data not subscribed")

    assert error.symbols == ("GLD", "TLT")
    assert str(error) == "no usable price for GLD, TLT: market data not subscribed"
