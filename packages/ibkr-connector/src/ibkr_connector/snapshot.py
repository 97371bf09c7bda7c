"""One account at one moment, complete, and never behind an execution that is known.

Positions lag executions. Positions once agreed on plus the executions since tell what must be reported; until it is,
the snapshot waits for the gateway's updates. Right after connecting there is nothing to compare with, so positions
are believed only when the account's newest execution is old enough for them to have caught up. Cash, which may also
change for other reasons, is given a moment to catch up.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime

from ib_async import Position

from broker_connector_base import AccountPosition, AccountSnapshot, Fill, SnapshotIncomplete
from ibkr_connector.account_values import pushed_cash, read_values
from ibkr_connector.cash import PUSH_PATIENCE_SECONDS, await_cash
from ibkr_connector.cash_ledger import CashLedger
from ibkr_connector.holdings import Holdings, positions_of
from ibkr_connector.mapping import to_position
from ibkr_connector.messages import AccountFigure
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession, NoAnswer

Positions = tuple[AccountPosition, ...]


class SnapshotReader:
    """Reads accounts over one session."""

    def __init__(
        self,
        session: GatewaySession,
        requests: Requests,
        *,
        now: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._session = session
        self._requests = requests
        self._settings = session.settings
        self._now = now
        self._holdings = Holdings(session, requests, now=now, pause=pause)
        self._cash: defaultdict[str, CashLedger] = defaultdict(CashLedger)

    def begin(self, accounts: frozenset[str]) -> None:
        """Take the positions received while connecting as agreed, for accounts without a recent execution."""
        self._holdings.begin(accounts)

    async def read(self, account_id: str) -> AccountSnapshot:
        """The account, freshly asked for.

        Raises:
            SnapshotIncomplete: a part did not arrive, or positions did not catch up with executions in time.
        """
        try:
            return await self._read(account_id)
        except NoAnswer as error:
            raise SnapshotIncomplete(f"account {account_id}: {error}") from error

    async def read_after_trading(self, account_id: str) -> AccountSnapshot:
        """The account as `read` gives it, from what was pushed as far as that contains all executions by then.

        For a report: a trade of others that nobody told of may be missing.
        """
        if not self._holdings.has_agreement(account_id):
            return await self.read(account_id)
        if self._session.accounts.pushed_since_order(account_id) is not None:
            what = f"figures of {account_id} after trading"
            await self._session.wait_until(lambda: self._as_pushed(account_id) is not None, PUSH_PATIENCE_SECONDS, what)
        return (
            self._as_pushed(account_id)
            or self._up_to_date(account_id, await self._requests.account_summary(account_id))
            or await self.read(account_id)
        )

    async def positions_after_trading(self, account_id: str, *, timeout_seconds: float) -> Positions:
        """What the account holds, as pushed or as asked for; see `Holdings.after_trading`.

        Raises:
            SnapshotIncomplete: positions or executions did not arrive.
        """
        try:
            positions = await self._holdings.after_trading(account_id, timeout_seconds=timeout_seconds)
        except NoAnswer as error:
            raise SnapshotIncomplete(f"account {account_id}: {error}") from error
        return tuple(to_position(each) for each in positions)

    def _as_pushed(self, account_id: str) -> AccountSnapshot | None:
        """The account by pushes alone, once its value and cash were pushed after the last order was sent."""
        accounts = self._session.accounts
        since = accounts.pushed_since_order(account_id) or ()
        if pushed_cash(since) is None or all(figure.tag != "NetLiquidation" for figure in since):
            return None
        return self._up_to_date(account_id, accounts.pushed(account_id))

    def _up_to_date(self, account_id: str, figures: tuple[AccountFigure, ...]) -> AccountSnapshot | None:
        """These figures and the positions as pushed, None unless both contain the executions."""
        positions = self._holdings.pushed(account_id)
        if self._holdings.disagreements(account_id, positions):
            return None
        try:
            snapshot = self._snapshot(account_id, figures, positions)
        except SnapshotIncomplete:
            return None
        return None if self._cash[account_id].lags(snapshot.cash, self._own_fills(account_id)) else snapshot

    async def _read(self, account_id: str) -> AccountSnapshot:
        await self._holdings.settle(account_id)
        snapshot = await self._read_agreed(account_id)
        ledger, fills = self._cash[account_id], self._own_fills(account_id)
        if ledger.lags(snapshot.cash, fills):
            await self._await_cash(account_id, ledger, fills)
            snapshot, fills = await self._read_agreed(account_id), self._own_fills(account_id)
        ledger.agree(snapshot.cash, fills)
        return snapshot

    async def _read_agreed(self, account_id: str) -> AccountSnapshot:
        """The account once its positions agree with executions."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.settle_timeout_seconds
        while True:
            figures, positions = await self._ask(account_id)
            if self._holdings.agrees(account_id, positions):
                return self._snapshot(account_id, figures, positions)
            remaining = deadline - loop.time()
            if remaining <= 0:
                raise self._disagreement(account_id, positions)
            await self._holdings.await_agreement(account_id, remaining)

    async def _await_cash(self, account_id: str, ledger: CashLedger, fills: tuple[Fill, ...]) -> None:
        """Give the cash figure a moment to catch up; it may differ for reasons of its own, and is then taken as is."""
        await await_cash(
            self._session,
            self._requests,
            account_id,
            is_enough=lambda figure: not ledger.lags(figure, fills),
            timeout_seconds=self._settings.settle_seconds,
        )

    def _own_fills(self, account_id: str) -> tuple[Fill, ...]:
        """Fills of our own orders, which are all in US dollars."""
        own = (each for each in self._holdings.executions(account_id) if each.key.belongs_to(self._settings.client_id))
        return self._session.executions.fills(own)

    async def _ask(self, account_id: str) -> tuple[tuple[AccountFigure, ...], list[Position]]:
        answers = asyncio.gather(self._requests.account_summary(account_id), self._requests.positions(account_id))
        # After the positions, so that no share is in them whose execution is not known.
        figures, everyone = await self._requests.executions_after(account_id, answers)
        return figures, positions_of(account_id, everyone)

    def _disagreement(self, account_id: str, positions: list[Position]) -> SnapshotIncomplete:
        found = self._holdings.disagreements(account_id, positions)
        self._holdings.forget(account_id)
        differences = ", ".join(f"contract {each}: {has} not {must}" for each, (has, must) in found.items())
        limit = self._settings.settle_timeout_seconds
        return SnapshotIncomplete(
            f"account {account_id}: positions disagree with executions after {limit:g} s ({differences})",
        )

    def _snapshot(
        self, account_id: str, figures: tuple[AccountFigure, ...], positions: list[Position]
    ) -> AccountSnapshot:
        values = read_values(account_id, figures)
        return AccountSnapshot(
            account_id=account_id,
            net_liquidation=values.net_liquidation,
            cash=values.cash,
            settled_cash=values.settled_cash,
            is_cash_account=values.is_cash_account,
            other_cash=values.other_cash,
            positions=tuple(to_position(each) for each in positions),
            taken_at=self._now(),
            day_trades_remaining=values.day_trades_remaining,
        )
