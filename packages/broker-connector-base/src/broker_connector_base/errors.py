"""What can go wrong at a brokerage, named by what the caller must do.

BrokerError
├── BrokerConnectionError        wait, reconnect, try the event again
│   └── ClientIdInUse            another session holds our id: end it, or configure another id
├── BrokerAPIError               the broker's answer is missing or incomplete: trade nothing, try later
│   ├── SnapshotIncomplete       a part of the account is missing
│   ├── PriceUnavailable         a planned symbol has no usable price
│   └── ContractUnknown          the broker knows no such symbol, or several
├── AccountRefused               this account may not be traded here: fix the configuration
└── OrderExecutionError          an order did not do what was asked
    ├── OrderRejected            final for this attempt; carries the broker's words
    ├── OrderUnconfirmed         the order's fate is not known: reconcile before trading again
    ├── CancellationUnconfirmed  an order may still be alive: place nothing
    └── ForeignOrderOpen         somebody else's order cannot be cancelled through its owner: place nothing
"""

from collections.abc import Iterable


class BrokerError(Exception):
    """Root of everything that a brokerage connector raises."""


class BrokerConnectionError(BrokerError):
    """The brokerage cannot be reached, or the connection broke while an answer was awaited."""


class ClientIdInUse(BrokerConnectionError):
    """Another session is connected under our client id."""


class BrokerAPIError(BrokerError):
    """The brokerage answered with an error, or not completely; nothing was traded because of it."""


class SnapshotIncomplete(BrokerAPIError):
    """A part of the account's state is missing, so no plan may be made from it."""


class PriceUnavailable(BrokerAPIError):
    """At least one symbol has no usable price.

    Attributes:
        symbols: the symbols without a price, sorted.
    """

    def __init__(self, symbols: Iterable[str], reason: str) -> None:
        self.symbols = tuple(sorted(symbols))
        super().__init__(f"no usable price for {', '.join(self.symbols)}: {reason}")


class ContractUnknown(BrokerAPIError):
    """The brokerage knows no such symbol as a US stock or ETF, or more than one."""


class AccountRefused(BrokerError):
    """The account is not managed by this login, or does not fit the trading mode."""


class OrderExecutionError(BrokerError):
    """An order did not do what was asked of it."""


class OrderRejected(OrderExecutionError):
    """The brokerage refused an order; the message carries its words."""


class OrderUnconfirmed(OrderExecutionError):
    """An order was sent and its fate could not be learned in time."""


class CancellationUnconfirmed(OrderExecutionError):
    """An open order was not confirmed as cancelled in time and may still fill."""


class ForeignOrderOpen(OrderExecutionError):
    """An order of somebody else is open on the account and cannot be cancelled; the message says which and why."""
