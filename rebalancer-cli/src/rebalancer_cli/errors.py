"""What can go wrong for somebody at the command line; each message says what happened and what to do.

CommandError
├── StackFailed       a part of the system did not start or died
├── ServiceRefused    the management service answered with an error
└── ServiceUnreachable    nothing answers at its address
"""


class CommandError(Exception):
    """Root of this package's errors: printed without a traceback, exit code 1."""


class StackFailed(CommandError):
    """A process of the system did not become ready, or ended by itself."""


class ServiceRefused(CommandError):
    """The management service refused a request; the message carries its words."""


class ServiceUnreachable(CommandError):
    """No management service answers at the address."""


class EventStillRunning(CommandError):
    """The event has not ended in the time that was given to it."""
