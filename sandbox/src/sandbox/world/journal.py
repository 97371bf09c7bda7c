"""The append-only record of everything that reached the world and happened in it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

MOST_ENTRIES = 200_000
"""Older entries are forgotten, so that a sandbox may run for weeks."""

JournalKind = Literal[
    "connected",
    "disconnected",
    "connection_refused",
    "request",
    "place_order",
    "manual_order",
    "modify_order",
    "cancel_order",
    "global_cancel",
    "what_if",
    "order_accepted",
    "order_refused",
    "order_cancelled",
    "fill",
    "correction",
    "fault_applied",
    "control",
]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One thing that happened. `seq` counts from 1 without gaps; `details` are plain values by name."""

    seq: int
    at: datetime
    kind: JournalKind
    client_id: int | None = None
    order_id: int | None = None
    account: str = ""
    symbol: str = ""
    order_ref: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Journal:
    """Entries in the order in which they happened; readable at any time, never changed."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: deque[JournalEntry] = deque(maxlen=MOST_ENTRIES)
        self._last_seq = 0
        self._waiters: list[tuple[Callable[[JournalEntry], bool], asyncio.Future[JournalEntry]]] = []

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(tuple(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def record(
        self,
        kind: JournalKind,
        *,
        client_id: int | None = None,
        order_id: int | None = None,
        account: str = "",
        symbol: str = "",
        order_ref: str = "",
        **details: Any,
    ) -> JournalEntry:
        """Append one entry and wake whoever waits for it."""
        self._last_seq += 1
        entry = JournalEntry(
            seq=self._last_seq,
            at=self._now(),
            kind=kind,
            client_id=client_id,
            order_id=order_id,
            account=account,
            symbol=symbol,
            order_ref=order_ref,
            details=details,
        )
        self._entries.append(entry)
        self._wake(entry)
        return entry

    def of(self, *kinds: JournalKind) -> list[JournalEntry]:
        """All entries of these kinds."""
        return [entry for entry in self._entries if entry.kind in kinds]

    def since(self, seq: int) -> list[JournalEntry]:
        """All entries after the one with number `seq`."""
        return [entry for entry in self._entries if entry.seq > seq]

    async def until(self, wanted: Callable[[JournalEntry], bool]) -> JournalEntry:
        """The first entry, past or to come, that `wanted` accepts. The caller bounds the wait."""
        for entry in self._entries:
            if wanted(entry):
                return entry
        waiter: asyncio.Future[JournalEntry] = asyncio.get_running_loop().create_future()
        self._waiters.append((wanted, waiter))
        return await waiter

    def _wake(self, entry: JournalEntry) -> None:
        for wanted, waiter in tuple(self._waiters):
            if waiter.done():
                self._waiters.remove((wanted, waiter))
            elif wanted(entry):
                waiter.set_result(entry)
                self._waiters.remove((wanted, waiter))
