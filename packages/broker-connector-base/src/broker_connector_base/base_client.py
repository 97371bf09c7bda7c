"""The one interface between the rebalancer and a brokerage."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal

from broker_connector_base.models import (
    AccountPosition,
    AccountSnapshot,
    BrokerHealth,
    ContractPrice,
    Fill,
    MarginEffect,
    OpenOrder,
    OrderRequest,
    OrderResult,
    OrderStatus,
    TradingHours,
)
from broker_connector_base.permit import Permit, always


class BrokerClient(ABC):
    """A session with a brokerage on behalf of one or more accounts.

    Every coroutine may raise BrokerConnectionError when the session is or gets lost, is bounded in time, and may be
    awaited concurrently with any other. Nothing is retried here except connecting; nothing about an order ever is.
    """

    @abstractmethod
    async def connect(self) -> None:
        """Open the session, or do nothing when it is open; a bounded number of tries at fixed delays.

        Returns only when accounts, positions and open orders have been received once.

        Raises:
            BrokerConnectionError: every try failed; ClientIdInUse when another session holds our id.
        """

    @abstractmethod
    async def disconnect(self) -> None:
        """End the session; harmless when there is none. Orders live on."""

    @abstractmethod
    def health(self) -> BrokerHealth:
        """State of the connection, from memory."""

    @abstractmethod
    async def wait_until_lost(self) -> None:
        """Return when the open session breaks; at once when there is none."""

    @abstractmethod
    async def get_managed_accounts(self) -> frozenset[str]:
        """Ids of the accounts that this login may trade."""

    @abstractmethod
    async def get_account_snapshot(self, account_id: str) -> AccountSnapshot:
        """Freshly read values and positions that already include every fill that this session has seen.

        Raises:
            SnapshotIncomplete: a part did not arrive, or positions disagree with executions.
            AccountRefused: the login does not manage the account.
        """

    async def get_account_after_trading(self, account_id: str) -> AccountSnapshot:
        """The account right after orders of this session have ended, for a report: nothing is decided by it.

        A snapshot, unless a connector knows a way that asks the brokerage for less.

        Raises:
            SnapshotIncomplete, AccountRefused: as for a snapshot.
        """
        return await self.get_account_snapshot(account_id)

    async def get_positions_after_trading(
        self, account_id: str, *, timeout_seconds: float
    ) -> tuple[AccountPosition, ...]:
        """What the account holds right after orders of this session have ended: what further orders are sized on.

        Every fill that this session has seen is in it, and trades of others as far as the brokerage tells of them. A
        brokerage whose positions contradict its executions until the deadline is believed: they are as it reports them.

        Those of a snapshot, unless a connector knows a way that asks the brokerage for less.

        Raises:
            SnapshotIncomplete, AccountRefused: as for a snapshot.
        """
        del timeout_seconds  # a snapshot is bounded by itself
        return (await self.get_account_snapshot(account_id)).positions

    @abstractmethod
    async def await_cash(self, account_id: str, *, at_least: Decimal, timeout_seconds: float) -> Decimal:
        """US-dollar cash as soon as the brokerage reports at least so much; at the deadline its latest figure.

        Account figures lag fills; this is how buys wait for the proceeds of sells without guessing.
        """

    @abstractmethod
    async def get_market_prices(
        self, symbols: Sequence[str], *, allow_previous_close: bool, max_age_seconds: float = 0
    ) -> Mapping[str, ContractPrice]:
        """The best price of each symbol: live mid, else live last, else delayed, else (if allowed) previous close.

        A price that this client read before, and that was observed no longer than `max_age_seconds` ago, is used
        again instead of asking; 0 asks every time. Requests for a symbol that is being asked for share the answer.

        Raises:
            PriceUnavailable: naming every symbol without one.
            ContractUnknown: a symbol is not a US stock or ETF that the brokerage knows.
        """

    @abstractmethod
    async def get_trading_hours(self, symbols: Sequence[str]) -> Mapping[str, TradingHours]:
        """Sessions of each symbol for the coming days.

        Raises:
            ContractUnknown: a symbol is not a US stock or ETF that the brokerage knows.
        """

    @abstractmethod
    async def get_open_orders(self, account_id: str) -> tuple[OpenOrder, ...]:
        """Every order alive on the account, whoever placed it, freshly asked for."""

    @abstractmethod
    async def get_fills(self, account_id: str) -> tuple[Fill, ...]:
        """Today's executions on the account, whoever caused them, corrections applied, each once; busted ones too."""

    @abstractmethod
    def hear_fills(self) -> AsyncIterator[Fill]:
        """Executions on all our accounts as this session is told of them, whoever caused them, without end.

        First those of today that it knows already; then each once, as soon as its commission is known or has been
        waited for in vain. One comes again when it is corrected or busted, or its commission becomes known after all.

        Raises:
            BrokerConnectionError: the session ended. The next one tells today's executions again.
        """

    @abstractmethod
    async def place_order(self, request: OrderRequest, *, permit: Permit = always) -> str:
        """Send one order and return its order id; acceptance and fills come through `await_order`.

        `permit` is called when nothing needs to be waited for any more, in the very step in which the order leaves:
        the sender may have been suspended, or told to stop, while the order waited for its turn. What it raises is
        raised on, and then nothing was sent.

        Raises:
            AccountRefused: the account is not managed by this login or does not fit the trading mode.
            ContractUnknown: no such US stock or ETF.
        """

    @abstractmethod
    async def await_order(self, order_id: str, *, timeout_seconds: float) -> OrderResult:
        """Follow an order that this session placed until its status is final, or until the deadline.

        At the deadline the result is whatever is known, with status PENDING or WORKING; nothing is cancelled.
        The status is final only when the brokerage said so; quantities come from executions.
        """

    @abstractmethod
    async def cancel_order(self, order_id: str, *, timeout_seconds: float) -> OrderStatus:
        """Cancel an open order on one of our accounts, whoever placed it, and wait until it can never fill again.

        Orders of others are cancelled through a short session under their owner's id (IBKR: its client id, or 0 for
        orders placed by hand). The orders of other accounts, and ours of the same number, are never touched. Returns
        the final status once the brokerage confirms it; it is FILLED when a fill won the race.

        Raises:
            CancellationUnconfirmed: no confirmation in time, or nothing is known of the order.
            ForeignOrderOpen: the order belongs to somebody else and cannot be cancelled through its owner, for
                example because that id is in use; the message names the order and says why. It may still fill.
        """

    @abstractmethod
    async def get_order_status(self, order_id: str) -> OrderStatus:
        """Status of an order that this session placed or found open, from memory.

        Raises:
            KeyError: this session knows no such order.
        """

    @abstractmethod
    async def what_if(self, request: OrderRequest) -> MarginEffect:
        """Ask what an order would do to its account. Nothing is sent to a market, and nothing changes.

        Raises:
            OrderRejected: the brokerage would refuse the order; with its words.
            AccountRefused, ContractUnknown: as for `place_order`.
        """
