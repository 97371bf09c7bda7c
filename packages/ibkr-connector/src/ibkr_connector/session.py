"""One connection to the gateway: what it said, who waits for it, and its end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from broker_connector_base import BrokerConnectionError
from ibkr_connector import error_codes
from ibkr_connector.account_feed import AccountFeed
from ibkr_connector.decoding import ListeningDecoder
from ibkr_connector.executions import ExecutionBook
from ibkr_connector.gaps import DOUBTFUL, Gaps
from ibkr_connector.gateway import ListeningIB
from ibkr_connector.listing import Listing
from ibkr_connector.messages import (
    CommissionTold,
    DataTypeTold,
    ErrorTold,
    ExecutionTold,
    FigureTold,
    Message,
    OrderListed,
    PositionTold,
    QuoteEnded,
    QuoteFactTold,
    StatusTold,
    SummaryTold,
    TickTold,
    Undecodable,
    WhatIfTold,
)
from ibkr_connector.numbers import require_recent
from ibkr_connector.order_book import OrderBook
from ibkr_connector.pace import Pace
from ibkr_connector.quotes import QuoteBoard
from ibkr_connector.settings import IBKRConnectionSettings
from ibkr_connector.what_if_board import WhatIfBoard

T = TypeVar("T")

_CLOSING_SECONDS = 1.0


class NoAnswer(BrokerConnectionError):
    """The connection stands, but a request was not answered in time."""


class GatewaySession:
    """A connection with everything heard over it. A new connection starts a new session with empty books.

    `pace` is that of another session whose messages count together with those of this one.
    """

    def __init__(self, settings: IBKRConnectionSettings, now: Callable[[], datetime], pace: Pace | None = None) -> None:
        self.settings = settings
        self.executions = ExecutionBook()
        self.orders = OrderBook(settings.client_id, self.executions)
        self.accounts = AccountFeed()
        self.quotes = QuoteBoard(now)
        self.what_ifs = WhatIfBoard()
        self.pace = Pace() if pace is None else pace
        self.gaps = Gaps()
        self.doubts = 0
        """How often messages about orders were or may have been lost."""
        self.listing: Listing | None = None
        """What is said of orders while the list of open orders is under way, else None."""
        self.is_upstream_lost = False
        self.is_client_id_in_use = False
        self.is_read_only = False
        self.last_heard_at: datetime | None = None
        self.troubles: dict[int, str] = {}
        """What is wrong behind the gateway, by code, until it says that it is right again."""
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when the connection is over, with the reason."""
        self.giving_up: asyncio.Task[None] | None = None
        """The end of an attempt to connect that failed."""
        self._refused: asyncio.Future[ErrorTold] | None = None
        self._changed: asyncio.Future[None] | None = None
        self._now = now
        self.ib = ListeningIB(self.receive, self._heard, self.pace)
        self.raw: Any = self.ib.client
        """The client below ib_async's facade, which is not annotated."""
        self.raw.decoder = ListeningDecoder(self.ib.wrapper, self.receive)
        events: Any = self.ib
        events.client.conn.disconnected.connect(self._on_closed, keep_ref=True)
        events.disconnectedEvent.connect(self._on_closed, keep_ref=True)

    async def answer(self, send: Callable[[], Awaitable[T]], what: str) -> T:
        """Send a request and return its answer, unless the connection ends or the time is over first.

        Raises:
            NoAnswer: nothing came in time.
            BrokerConnectionError: the connection ended.
        """
        self.require_connection(what)
        limit = self.settings.request_timeout_seconds
        request = asyncio.ensure_future(send())
        try:
            await asyncio.wait({request, self.lost}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if not request.done():
                self.require_connection(what)
                raise NoAnswer(f"{self.settings.address} did not answer within {limit:g} s: {what}")
            return request.result()
        except ConnectionError as error:
            raise BrokerConnectionError(f"connection to {self.settings.address} failed: {what}: {error}") from error
        finally:
            request.cancel()

    async def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> bool:
        """Wait for messages until the condition holds; False when the time is over first.

        Raises:
            BrokerConnectionError: the connection ended while waiting.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition():
            self.require_connection(what)
            remaining = deadline - loop.time()
            if remaining <= 0:
                return False
            await asyncio.wait({self._next_change(), self.lost}, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
        return True

    def require_connection(self, what: str) -> None:
        """Raise BrokerConnectionError, naming what was wanted, when the connection is over."""
        if self.lost.done():
            raise BrokerConnectionError(f"no connection to {self.settings.address}: {what}: {self.lost.result()}")

    def next_refusal(self) -> asyncio.Future[ErrorTold]:
        """Done by the next refusal that names no request: how a read-only API answers requests without numbers."""
        if self._refused is None or self._refused.done():
            self._refused = asyncio.get_running_loop().create_future()
        return self._refused

    def end(self, reason: str) -> None:
        """Give up the connection: everything that waits fails with this reason."""
        if not self.lost.done():
            self.lost.set_result(reason)
        # ib_async's own way of disconnecting fails before the gateway has told its accounts.
        disconnect: Callable[[], object] = self.ib.disconnect if self.raw.isReady() else self.raw.disconnect
        disconnect()
        self._notify()

    async def close(self, reason: str) -> None:
        """End the connection and wait, for a moment, until the socket is closed."""
        connection: Any = self.raw.conn
        closed = asyncio.Event()
        if connection.isConnected():
            connection.disconnected.connect(lambda *_: closed.set(), keep_ref=True)  # pyright: ignore[reportUnknownLambdaType] - eventkit is not annotated
        else:
            closed.set()
        self.end(reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSING_SECONDS):
                await closed.wait()

    def receive(self, message: Message) -> None:
        """Take in what the gateway said, and wake whoever waits."""
        match message:
            case ErrorTold():
                self._on_error(message)
            case SummaryTold() | FigureTold() | PositionTold():
                self.accounts.take(message)
            case TickTold() | DataTypeTold() | QuoteFactTold() | QuoteEnded():
                self.quotes.take(message)
            case WhatIfTold():
                self.what_ifs.take(message)
            case Undecodable():
                self._on_undecodable(message)
            case _:
                self._on_order_message(message)
        self._notify()

    def _next_change(self) -> asyncio.Future[None]:
        if self._changed is None or self._changed.done():
            self._changed = asyncio.get_running_loop().create_future()
        return self._changed

    def _notify(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    def _heard(self) -> None:
        self.last_heard_at = self._now()

    def _on_closed(self, reason: str = "") -> None:
        if not self.lost.done():
            self.lost.set_result(reason or "the gateway closed the connection")
        self._notify()

    def _on_order_message(self, message: OrderListed | StatusTold | ExecutionTold | CommissionTold) -> None:
        if self.listing and isinstance(message, OrderListed | StatusTold):
            self.listing.take(message)
        match message:
            case OrderListed():
                self.orders.listed(message)
            case StatusTold():
                self.orders.told(message)
            case ExecutionTold():
                require_recent(f"the time of execution {message.exec_id}", message.executed_at, self._now())
                for execution in self.executions.add(message):
                    self.orders.executed(execution)
            case CommissionTold():
                self.executions.add_commission(message)

    def _on_undecodable(self, lost: Undecodable) -> None:
        account_id = self._account_of(lost)
        self.gaps.add(replace(lost, account_id=account_id))
        if lost.message_id in DOUBTFUL and not lost.is_answer:
            self._doubt(account_id)

    def _account_of(self, lost: Undecodable) -> str:
        """The account that a lost message was about; empty unless it is certainly one of this login."""
        record = self.orders.get(lost.order) if lost.order else None
        named = lost.account_id or (record.account_id if record else "")
        return named if named in self.ib.managedAccounts() else ""

    def _doubt(self, account_id: str = "") -> None:
        self.doubts += 1
        self.orders.doubt(account_id)

    def _note_trouble(self, error: ErrorTold) -> None:
        if error.code in error_codes.ENDS_TROUBLE:
            for ended in error_codes.ENDS_TROUBLE[error.code]:
                self.troubles.pop(ended, None)
        elif error_codes.classify(error.code) is error_codes.ErrorClass.DEGRADED:
            self.troubles[error.code] = str(error)

    def _on_error(self, error: ErrorTold) -> None:
        self.orders.failed(error)
        self.quotes.failed(error)
        self.what_ifs.failed(error)
        self._note_trouble(error)
        if error.code == error_codes.CLIENT_ID_IN_USE:
            self.is_client_id_in_use = True
            self._on_closed(str(error))
        elif error.code == error_codes.REQUEST_REFUSED:
            # The text is looked at for the eyes of the operator only; nothing is decided by it.
            self.is_read_only |= "read-only" in error.text.casefold()
            if error.request_id == -1 and self._refused is not None and not self._refused.done():
                self._refused.set_result(error)
        elif error.code == error_codes.UPSTREAM_LOST:
            self.is_upstream_lost = True
        elif error.code in error_codes.UPSTREAM_RESTORED:
            self.is_upstream_lost = False
            self._doubt()
