"""What can go wrong in the worker itself, named by what happens to the event.

ProcessorError
├── AllocationsError
│   ├── AllocationsUnavailable   the API did not answer properly: ask again soon
│   └── AllocationsInvalid       it answered with what may not be traded on: ask again late
├── AccountUnknown               no enabled account of that id: fix accounts.yaml or delete the event
├── AccountMisconfigured         the account names what does not exist: fix accounts.yaml or replacement-sets.yaml
├── HoursUnknown                 the brokerage told no coming session of a symbol: ask again later
├── TradingHalted                the queue contradicts its history: an operator must resync
├── HistoryUnchecked             nobody compared Redis with history since it started: wait for event-broker
├── OrdersLeftOpen               orders remain that cancel-orders could not cancel: an operator must
├── WorkCancelledWithin          nobody asked for the cancellation that ended a part of the worker: lead anew
└── Stopping                     the service is shutting down: nothing new may be started
"""


class ProcessorError(Exception):
    """Root of the worker's own errors."""


class AllocationsError(ProcessorError):
    """Target allocations are missing; no order is placed and none is cancelled because of it."""


class AllocationsUnavailable(AllocationsError):
    """The allocations API did not answer, answered with an error, or was too slow."""


class AllocationsInvalid(AllocationsError):
    """The allocations API answered with something that must not be traded on."""


class AccountUnknown(ProcessorError):
    """The event's account is not configured, or disabled."""


class AccountMisconfigured(ProcessorError):
    """The account's own settings contradict the rest of the configuration."""


class HoursUnknown(ProcessorError):
    """A symbol has no session ahead in what the brokerage told."""


class TradingHalted(ProcessorError):
    """The queue cannot be trusted to name each event once, so nothing is traded on its word."""


class HistoryUnchecked(ProcessorError):
    """Redis has started anew, and may have lost what history knows; nothing is traded until somebody has looked."""


class OrdersLeftOpen(ProcessorError):
    """Orders of the account are still open after everything of ours was cancelled."""


class WorkCancelledWithin(ProcessorError):
    """A part of the worker ended by a cancellation that nobody asked for; left alone, it would be missed by nobody."""


class Stopping(ProcessorError):
    """The service is shutting down, so that no order may be placed and no work begun."""
