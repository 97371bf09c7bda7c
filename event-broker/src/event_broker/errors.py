"""What can go wrong while signals are taken in, named by what the caller must do.

EventBrokerError
├── HistoryUnavailable   Ably's history could not be read: report it, try again after a pause
│   └── HistoryRefused   Ably will not give it: as above, and let nothing wait for it
├── FileRefused          a trigger file can never become an event: set it aside with the reason
│   └── FileUnfinished   as it is now; wait a few seconds for its writer first
│       └── FileBreaksOff    its writer is likely still at it; wait longer
├── FolderUnusable       the folder of trigger files cannot be read or changed: report it, look again later
└── SpoolUnusable        signals that wait cannot be put on disk: they wait in memory alone; report it, try again
"""

from pathlib import Path

from event_broker.ably_client import AblyFault


class EventBrokerError(Exception):
    """Root of the service's errors."""


class HistoryUnavailable(EventBrokerError):
    """A channel's history could not be read, or not in time."""

    def __init__(self, channel: str, fault: AblyFault) -> None:
        """Name the channel and what Ably or the network said."""
        super().__init__(f"history of channel {channel}: {fault}")
        self.channel = channel
        self.fault = fault


class HistoryRefused(HistoryUnavailable):
    """Ably has answered that it does not give a channel's history, so the next try will hardly be better."""


class FileRefused(EventBrokerError):
    """A trigger file that is whole and cannot be taken in; the text says why, for whoever wrote it."""


class FileUnfinished(FileRefused):
    """A trigger file that looks half-written: refused only when it stays so."""


class FileBreaksOff(FileUnfinished):
    """A trigger file with the beginning of a document, or nothing, in it."""


class FolderUnusable(EventBrokerError):
    """The folder of trigger files, or the one for refused files, cannot be used."""


class SpoolUnusable(EventBrokerError):
    """The folder of signals that wait for the queue, or a file in it, cannot be used."""

    def __init__(self, path: Path, error: OSError) -> None:
        """Name the place and what the system said."""
        super().__init__(f"{path}: {error.strerror}")
