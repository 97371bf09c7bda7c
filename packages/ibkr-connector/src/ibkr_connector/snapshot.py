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
from decimal import Decimal

from ib_async import Position

from broker_connector_base import AccountSnapshot, Fill, SnapshotIncomplete
from ibkr_connector.account_values import pushed_cash, read_values
from ibkr_connector.cash import PUSH_PATIENCE_SECONDS, await_cash
from ibkr_connector.cash_ledger import CashLedger
from ibkr_connector.gaps import EXECUTIONS, POSITIONS
from ibkr_connector.mapping import to_position, to_shares
from ibkr_connector.messages import AccountFigure, ExecutionTold
from ibkr_connector.position_ledger import PositionLedger
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession, NoAnswer


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
        self._pause = pause
        self._ledgers: defaultdict[str, PositionLedger] = defaultdict(PositionLedger)
        self._cash: defaultdict[str, CashLedger] = defaultdict(CashLedger)

    def begin(self, accounts: frozenset[str]) -> None:
        """Take the positions received while connecting as agreed, for accounts without a recent execution."""
        if self._session.gaps.since(0, POSITIONS | EXECUTIONS):
            return
        for account_id in accounts:
            if self._seconds_to_settle(account_id) <= 0:
                positions = self._session.accounts.positions(account_id)
                self._ledgers[account_id].agree(positions, self._executions(account_id))

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
        if not self._ledgers[account_id].has_agreement:
            return await self.read(account_id)
        if self._session.accounts.pushed_since_order(account_id) is not None:
            what = f"figures of {account_id} after trading"
            await self._session.wait_until(lambda: self._as_pushed(account_id) is not None, PUSH_PATIENCE_SECONDS, what)
        return (
            self._as_pushed(account_id)
            or self._up_to_date(account_id, await self._requests.account_summary(account_id))
            or await self.read(account_id)
        )

    def _as_pushed(self, account_id: str) -> AccountSnapshot | None:
        """The account by pushes alone, once its value and cash were pushed after the last order was sent."""
        accounts = self._session.accounts
        since = accounts.pushed_since_order(account_id) or ()
        if pushed_cash(since) is None or all(figure.tag != "NetLiquidation" for figure in since):
            return None
        return self._up_to_date(account_id, accounts.pushed(account_id))

    def _up_to_date(self, account_id: str, figures: tuple[AccountFigure, ...]) -> AccountSnapshot | None:
        """These figures and the positions as pushed, None unless both contain the executions."""
        positions = [each for each in self._session.ib.positions(account_id) if each.position]
        if self._disagreements(account_id, positions):
            return None
        try:
            snapshot = self._snapshot(account_id, figures, positions)
        except SnapshotIncomplete:
            return None
        return None if self._cash[account_id].lags(snapshot.cash, self._own_fills(account_id)) else snapshot

    async def _read(self, account_id: str) -> AccountSnapshot:
        if not self._ledgers[account_id].has_agreement:
            await self._requests.executions(account_id)
            await self._settle(account_id)
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
            if self._agrees(account_id, positions):
                return self._snapshot(account_id, figures, positions)
            remaining = deadline - loop.time()
            if remaining <= 0:
                raise self._disagreement(account_id, positions)
            await self._await_agreement(account_id, remaining)

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
        own = (each for each in self._executions(account_id) if each.key.belongs_to(self._settings.client_id))
        return self._session.executions.fills(own)

    async def _ask(self, account_id: str) -> tuple[tuple[AccountFigure, ...], list[Position]]:
        answers = asyncio.gather(self._requests.account_summary(account_id), self._requests.positions(account_id))
        # After the positions, so that no share is in them whose execution is not known.
        figures, everyone = await self._requests.executions_after(account_id, answers)
        latest = {each.contract.conId: each for each in everyone if each.account == account_id}
        return figures, [each for each in latest.values() if each.position]

    def _agrees(self, account_id: str, positions: list[Position]) -> bool:
        if self._disagreements(account_id, positions):
            return False
        self._ledgers[account_id].agree(_quantities(positions), self._executions(account_id))
        return True

    def _disagreements(self, account_id: str, positions: list[Position]) -> dict[int, tuple[Decimal, Decimal]]:
        return self._ledgers[account_id].disagreements(_quantities(positions), self._executions(account_id))

    async def _await_agreement(self, account_id: str, seconds: float) -> None:
        ledger, accounts = self._ledgers[account_id], self._session.accounts

        def has_caught_up() -> bool:
            return not ledger.disagreements(accounts.positions(account_id), self._executions(account_id))

        await self._session.wait_until(has_caught_up, seconds, f"positions of {account_id}")

    def _disagreement(self, account_id: str, positions: list[Position]) -> SnapshotIncomplete:
        found = self._disagreements(account_id, positions)
        # The next snapshot starts afresh: it believes positions once the newest execution is old enough.
        self._ledgers[account_id].forget()
        differences = ", ".join(f"contract {each}: {has} not {must}" for each, (has, must) in found.items())
        limit = self._settings.settle_timeout_seconds
        return SnapshotIncomplete(
            f"account {account_id}: positions disagree with executions after {limit:g} s ({differences})",
        )

    async def _settle(self, account_id: str) -> None:
        if (seconds := self._seconds_to_settle(account_id)) > 0:
            await self._pause(seconds)

    def _seconds_to_settle(self, account_id: str) -> float:
        """Until the newest execution is old enough; never longer than that age, whatever the clocks say."""
        newest = max((each.executed_at for each in self._executions(account_id)), default=None)
        if newest is None:
            return 0.0
        settle = self._settings.settle_seconds
        return min(settle - (self._now() - newest).total_seconds(), settle)

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

    def _executions(self, account_id: str) -> tuple[ExecutionTold, ...]:
        return self._session.executions.of_account(account_id)


def _quantities(positions: list[Position]) -> dict[int, Decimal]:
    return {each.contract.conId: to_shares(each.position) for each in positions}
