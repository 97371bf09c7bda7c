"""Reads what a channel carried, from Ably's history, with a REST client of its own.

A realtime client must not be asked: each of its REST calls with a token attaches every channel anew.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from ably.http.paginatedresult import PaginatedResult

from event_broker.ably_client import fault_of, hosts_of, is_refusal, open_rest_client
from event_broker.ably_decoding import decoded
from event_broker.ably_message import trigger_of
from event_broker.errors import HistoryRefused, HistoryUnavailable
from event_broker.settings import AblyTiming
from event_broker.trigger import Trigger
from event_queue.codec import to_ms
from service_runtime.clock import Clock
from service_runtime.settings import AblySettings

PAGE: Final = 1000
"""Messages in one answer, the most that Ably gives."""
PAGES_AT_ONCE: Final = 10
"""Unless the messages on them were all published in one moment, which is read to its end."""
READERS: Final = 4
"""Channels read side by side."""
_pages: Any = PaginatedResult
"""Asked directly: the SDK's own `history` fails on a page for one message that it cannot decode."""


@dataclass(frozen=True, slots=True)
class Past:
    """A part of a channel's history, oldest first."""

    messages: tuple[Trigger, ...]
    is_complete: bool
    """Whether nothing younger was left unread; else there is at least one message."""


class History(Protocol):
    """Where a channel's past can be read."""

    async def read(self, channel: str, since: datetime) -> Past:
        """The messages published at `since` or later, by Ably's clock.

        Raises:
            HistoryRefused: Ably does not give it.
            HistoryUnavailable: not now; the next try may succeed.
        """
        ...


class AblyHistory:
    """`History` over Ably's REST interface; another host is asked after each failure."""

    def __init__(self, settings: AblySettings, timing: AblyTiming, clock: Clock) -> None:
        """Take the key (set and well formed); connects at the first call."""
        self._settings = settings
        self._timing = timing
        self._clock = clock
        self._hosts = hosts_of(settings.endpoint)
        self._failures = 0
        self._patience: dict[str, float] = {}
        """Seconds for a page of those channels of which one did not come in time at the last try."""
        self._shared: _SharedClient | None = None
        self._turns = asyncio.Semaphore(READERS)

    async def read(self, channel: str, since: datetime) -> Past:
        """See `History.read`.

        Once it is this channel's turn, a page takes at most `history_seconds`; twice that at the next try, and so on up
        to `history_longest_seconds`, until a try succeeds.
        """
        async with self._turns:
            try:
                async with self._lent_client() as client:
                    past = await self._read(client, channel, to_ms(since))
            except Exception as error:  # the SDK stumbles in a dozen ways over answers that it does not expect
                kind = HistoryRefused if is_refusal(error) else HistoryUnavailable
                raise kind(channel, fault_of(error)) from error
        self._patience.pop(channel, None)
        return past

    async def close(self) -> None:
        """Close the connections there are."""
        shared, self._shared = self._shared, None
        if shared is not None:
            await shared.client.close()

    @asynccontextmanager
    async def _lent_client(self) -> AsyncGenerator[Any]:
        """The client of all readers. One that fails a reader is lent no more, and closed when the others are done."""
        shared = self._shared = self._shared or self._open()
        shared.readers += 1
        try:
            yield shared.client
        except Exception:
            if shared is self._shared:
                self._shared = None
                self._failures += 1
            raise
        finally:
            shared.readers -= 1
            if shared is not self._shared and not shared.readers:
                await shared.client.close()

    def _open(self) -> "_SharedClient":
        host = self._hosts[self._failures % len(self._hosts)]
        return _SharedClient(open_rest_client(self._settings, host, self._timing))

    async def _read(self, client: Any, channel: str, start_ms: int) -> Past:
        url = f"/channels/{quote(channel, safe=':')}/messages?direction=forwards&limit={PAGE}&start={start_ms}"
        first = _pages.paginated_query(client.http, url=url, response_processor=_messages_in)
        page = await self._in_time(channel, first)
        messages: list[Any] = list(page.items)
        pages = 1
        while page.has_next() and (pages < PAGES_AT_ONCE or _are_of_one_moment(messages)):
            page = await self._in_time(channel, page.next())
            pages += 1
            messages.extend(page.items)
        read_at = self._clock.now()
        return Past(tuple(trigger_of(each, channel, read_at) for each in messages), not page.has_next())

    async def _in_time(self, channel: str, page: Awaitable[Any]) -> Any:
        """One page. All of them together have no limit: over a slow line no try would ever reach the end."""
        seconds = self._patience.get(channel, self._timing.history_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await page
        except TimeoutError as error:
            longer = self._patience[channel] = min(2 * seconds, self._timing.history_longest_seconds)
            words = f"no page came within {seconds:g} s; the next try waits for {longer:g} s"
            raise TimeoutError(words) from error


@dataclass(slots=True)
class _SharedClient:
    """A REST client, and how many read with it just now."""

    client: Any
    readers: int = 0


def _are_of_one_moment(messages: list[Any]) -> bool:
    """Whether reading on from the time of the last would read the same again."""
    return not messages or messages[0].timestamp == messages[-1].timestamp


def _messages_in(response: Any) -> list[Any]:
    return [decoded(raw) for raw in response.to_native()]
