"""Signals that the queue has not taken yet, on disk.

One file for each channel of an Ably application, named by a digest of both, a line for each message: what was tried out
in a simulated world is never found by the real one. Lines are only ever added, and the file is removed when all of its
messages are queued. A line that a crash has cut short is passed over: its message was never said to be safe.
"""

import base64
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from event_broker.errors import SpoolUnusable
from event_broker.trigger import Trigger

_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class SignalSpool:
    """The file of one channel; every method blocks for as long as the disk takes."""

    def __init__(self, directory: Path, channel: str, *, application: str = "") -> None:
        """Take the folder, which exists, and Ably's id of the application that the channel belongs to."""
        self._directory = directory
        self._channel = channel
        digest = sha256(json.dumps([application, channel]).encode()).hexdigest()
        self._path = directory / f"{digest[:16]}.jsonl"

    def read(self) -> list[Trigger]:
        """What was kept, in its order.

        Raises:
            SpoolUnusable: the file is there and cannot be read.
        """
        try:
            with os.fdopen(os.open(self._path, _READ), "rb") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SpoolUnusable(self._path, error) from error
        return list(_readable(lines, self._channel))

    def append(self, triggers: Iterable[Trigger]) -> None:
        """Add messages; they are on disk when it returns.

        Raises:
            SpoolUnusable: they may not be.
        """
        text = "".join(f"\n{_line(each)}\n" for each in triggers)
        try:
            descriptor = os.open(self._path, _APPEND, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(descriptor)
            _sync(self._directory)
        except OSError as error:
            raise SpoolUnusable(self._path, error) from error

    def clear(self) -> None:
        """Forget everything.

        Raises:
            SpoolUnusable: it may be read again.
        """
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise SpoolUnusable(self._path, error) from error


class SpoolFolder:
    """The folder of all channels' files, for one process at a time."""

    def __init__(self, directory: Path, application: str, lock: int) -> None:
        """Take an open and locked file; use `open`."""
        self._directory = directory
        self._application = application
        self._lock = lock

    @classmethod
    def open(cls, directory: Path, application: str) -> Self:
        """Make the folder where it is missing, and lock it until `close` or the end of the process.

        Raises:
            SpoolUnusable: it cannot be used, or another process does.
        """
        try:
            _make(directory)
            lock = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolUnusable(directory, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            is_held = isinstance(error, BlockingIOError)
            words = OSError(error.errno, "another process uses it") if is_held else error
            raise SpoolUnusable(directory, words) from error
        return cls(directory, application, lock)

    def spool(self, channel: str) -> SignalSpool:
        """The file of one channel."""
        return SignalSpool(self._directory, channel, application=self._application)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._lock)


def _make(directory: Path) -> None:
    """Make the folder, and those above it, so that a power failure does not take them with what is kept in them."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    for each in missing:
        _sync(each.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(trigger: Trigger) -> str:
    return json.dumps(
        {
            "channel": trigger.channel,
            "id": trigger.message_id,
            "received_at": trigger.received_at.isoformat(),
            "sent_at": trigger.sent_at.isoformat() if trigger.sent_at else None,
            **_payload(trigger.payload),
        }
    )


def _payload(payload: object) -> dict[str, Any]:
    """The payload under the name of its form."""
    if isinstance(payload, bytes | bytearray):
        return {"bytes": base64.b64encode(payload).decode()}
    try:
        return {"value": json.loads(json.dumps(payload))}
    except (TypeError, ValueError, RecursionError):
        return {"value": {"undecoded": type(payload).__name__}}


def _readable(lines: Sequence[bytes], channel: str) -> Iterator[Trigger]:
    for line in lines:
        try:
            trigger = _trigger(json.loads(line))
        except (ValueError, TypeError, LookupError, RecursionError):
            continue
        if trigger.channel == channel:
            yield trigger


def _trigger(raw: dict[str, Any]) -> Trigger:
    payload = base64.b64decode(raw["bytes"]) if "bytes" in raw else raw["value"]
    received_at, sent_at = datetime.fromisoformat(raw["received_at"]), _moment(raw["sent_at"])
    return Trigger(raw["channel"], raw["id"], payload, received_at, sent_at)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
