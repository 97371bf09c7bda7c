"""What can go wrong for somebody at the command line; each message says what happened and what to do.

CommandError
├── ProjectIncomplete     a file that a command needs is missing or cannot be read
├── StackFailed           a part of the system did not start, or ended by itself
├── ServiceRefused        the management service answered with an error
│   └── EventUnknown      ... that it knows no such event, or not yet
├── ServiceUnreachable    nothing answers at its address
│   └── ServiceSilent     ... although it took the request: what was asked for may have been done
├── EventNotEnded         an event failed its first attempt, or has not ended in the time given to it
└── Interrupted           somebody asked this command to stop before it was done
"""


class CommandError(Exception):
    """Root of this package's errors: printed without a traceback, exit code 1."""


class ProjectIncomplete(CommandError):
    """A file of the project is missing or cannot be read, or a setting in it makes no sense."""


class StackFailed(CommandError):
    """A process of the system did not become ready, or ended by itself."""


class ServiceRefused(CommandError):
    """The management service refused a request; the message carries its words."""


class EventUnknown(ServiceRefused):
    """The event is in neither queue nor history; one that ended a moment ago reaches the history soon."""


class ServiceUnreachable(CommandError):
    """No management service answers at the address."""


class ServiceSilent(ServiceUnreachable):
    """A request was sent and its answer did not come: a change may or may not have happened."""


class EventNotEnded(CommandError):
    """The event will be tried again, or is still waiting or in work."""


class Interrupted(CommandError):
    """SIGTERM or Ctrl-C came first; everything that was started has been stopped."""
