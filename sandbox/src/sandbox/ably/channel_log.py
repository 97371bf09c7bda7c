"""The messages that one channel still remembers, in order, and from where a client may go on reading."""

import secrets
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.ably.messages import Draft, Message

MAX_KEPT_MESSAGES = 10_000

Direction = Literal["backwards", "forwards"]


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """A page of history: times in milliseconds, both ends included; `cursor` is the number to go on after."""

    direction: Direction = "backwards"
    limit: int = 100
    start_ms: int | None = None
    end_ms: int | None = None
    cursor: int | None = None
    until: int | None = None

    def admits(self, message: Message) -> bool:
        """Whether the message belongs to this page or to a later one."""
        if self.start_ms is not None and message.timestamp_ms < self.start_ms:
            return False
        if self.end_ms is not None and message.timestamp_ms > self.end_ms:
            return False
        if self.until is not None and message.number > self.until:
            return False
        if self.cursor is None:
            return True
        return message.number < self.cursor if self.direction == "backwards" else message.number > self.cursor


@dataclass(frozen=True, slots=True)
class Appended:
    """What one publish came to: a message for every draft, and those among them that are new."""

    published: tuple[Message, ...]
    added: tuple[Message, ...]


class ChannelLog:
    """One channel's messages, forgotten after `retention_seconds` (or when there are too many).

    A channel serial, `epoch@number`, is a place between messages: everything up to `number` has been seen.
    """

    def __init__(self, name: str, retention_seconds: float, clock: Callable[[], float]) -> None:
        self.name = name
        self._retention_seconds = retention_seconds
        self._clock = clock
        self._epoch = secrets.token_hex(6)
        self._messages: deque[Message] = deque()
        self._by_id: dict[str, Message] = {}
        self._last_number = 0

    @property
    def last_number(self) -> int:
        """The number of the newest message ever published; 0 before the first."""
        return self._last_number

    def serial(self, number: int) -> str:
        """The channel serial of the place behind the message of that number."""
        return f"{self._epoch}@{number:012d}"

    def number_of(self, serial: str) -> int | None:
        """The number that a channel serial stands for; None for a serial of another life of this channel."""
        epoch, _, number = serial.partition("@")
        return int(number) if epoch == self._epoch and number.isdigit() else None

    def append(self, drafts: Sequence[Draft], *, publish_id: str, connection_id: str | None) -> Appended:
        """Keep what is new among the drafts; a draft whose id is known is a repetition of the message kept before."""
        self._forget_old()
        before = self._last_number
        published: list[Message] = []
        for index, draft in enumerate(drafts):
            message_id = draft.id or f"{publish_id}:{index}"
            known = self._by_id.get(message_id)
            published.append(known or self._keep(draft, message_id, connection_id))
        return Appended(tuple(published), tuple(message for message in published if message.number > before))

    def after(self, number: int) -> list[Message] | None:
        """The messages behind a place; None when some of them are forgotten, or the place does not exist."""
        self._forget_old()
        first_kept = self._messages[0].number if self._messages else self._last_number + 1
        if number + 1 < first_kept or number > self._last_number:
            return None
        numbers = [message.number for message in self._messages]
        return list(self._messages)[bisect_right(numbers, number) :]

    def newest(self, *, count: int | None = None, seconds: float | None = None) -> list[Message]:
        """The last `count` messages, or those of the last `seconds`, oldest first."""
        self._forget_old()
        kept = list(self._messages)
        if seconds is not None:
            since = self._now_ms() - seconds * 1000
            kept = [message for message in kept if message.timestamp_ms >= since]
        return kept if count is None else kept[max(len(kept) - count, 0) :]

    def page(self, query: HistoryQuery) -> tuple[list[Message], bool]:
        """One page of history, and whether another follows."""
        self._forget_old()
        ordered = reversed(self._messages) if query.direction == "backwards" else iter(self._messages)
        found = [message for message in ordered if query.admits(message)]
        return found[: query.limit], len(found) > query.limit

    def _keep(self, draft: Draft, message_id: str, connection_id: str | None) -> Message:
        self._last_number += 1
        message = Message(draft, self._last_number, message_id, connection_id, self._now_ms())
        self._messages.append(message)
        self._by_id[message_id] = message
        if len(self._messages) > MAX_KEPT_MESSAGES:
            self._forget_first()
        return message

    def _forget_old(self) -> None:
        horizon = self._now_ms() - self._retention_seconds * 1000
        while self._messages and self._messages[0].timestamp_ms < horizon:
            self._forget_first()

    def _forget_first(self) -> None:
        del self._by_id[self._messages.popleft().id]

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
