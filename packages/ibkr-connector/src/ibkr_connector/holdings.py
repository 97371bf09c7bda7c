"""What accounts hold: positions as pushed and as asked for, weighed against executions.

The gateway pushes every change of a position from connecting on, some time after the execution behind it. Positions
once agreed on plus the executions since tell what must be reported; what differs beyond that was done by others.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

from ib_async import Position

from ibkr_connector.cash import PUSH_PATIENCE_SECONDS
from ibkr_connector.gaps import EXECUTIONS, POSITIONS
from ibkr_connector.messages import ExecutionTold
from ibkr_connector.numbers import to_shares
from ibkr_connector.position_ledger import PositionLedger
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession

_PROVEN_PATIENCE_SECONDS: Final = 1.0
"""How long pushes are waited for once this session has pushed what executions foretold: asking is no faster then."""
_FIRST_PATIENCE_SECONDS: Final = 0.5


class Holdings:
    """Positions of the accounts of one session."""

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
        self._now = now
        self._pause = pause
        self._ledgers: defaultdict[str, PositionLedger] = defaultdict(PositionLedger)
        self._agreed_at: dict[str, tuple[int, int]] = {}
        """What the session had lost when positions were last agreed on: doubts and gaps."""
        self._are_pushed = False

    def begin(self, accounts: frozenset[str]) -> None:
        """Take the positions received while connecting as agreed, for accounts without a recent execution."""
        if self._session.gaps.since(0, POSITIONS | EXECUTIONS):
            return
        for account_id in accounts:
            if self._seconds_to_settle(account_id) <= 0:
                self._agree(account_id, self._session.accounts.positions(account_id))

    def has_agreement(self, account_id: str) -> bool:
        """False until the account's positions were once agreed on."""
        return self._ledgers[account_id].has_agreement

    def executions(self, account_id: str) -> tuple[ExecutionTold, ...]:
        """Everything executed on the account, as far as told."""
        return self._session.executions.of_account(account_id)

    def pushed(self, account_id: str) -> list[Position]:
        """Positions as last told, without closed ones."""
        return [each for each in self._session.ib.positions(account_id) if each.position]

    async def settle(self, account_id: str) -> None:
        """Where nothing was agreed on: wait until the newest execution is so old that positions contain it."""
        if not self.has_agreement(account_id):
            await self._requests.executions(account_id)
            if (seconds := self._seconds_to_settle(account_id)) > 0:
                await self._pause(seconds)

    async def after_trading(self, account_id: str, *, timeout_seconds: float) -> list[Position]:
        """What the account holds, everything in it that was executed; trades of others too, as far as told.

        Pushes are believed while they show exactly the executions; whatever else they show is asked for. Positions
        that contradict the executions until the time is over are returned as they are: the brokerage knows best.
        """
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        if self._may_trust_pushes(account_id):
            patience = _PROVEN_PATIENCE_SECONDS if self._are_pushed else PUSH_PATIENCE_SECONDS
            await self.await_agreement(account_id, min(patience, timeout_seconds))
            if self._is_as_expected(account_id):
                return self.pushed(account_id)
        await self.settle(account_id)
        return await self._ask_until(account_id, deadline)

    def agrees(self, account_id: str, positions: list[Position]) -> bool:
        """Whether positions contain the executions; if so they are what later ones are compared with."""
        if self.disagreements(account_id, positions):
            return False
        self._agree(account_id, _quantities(positions))
        return True

    def disagreements(self, account_id: str, positions: list[Position]) -> dict[int, tuple[Decimal, Decimal]]:
        """Reported and expected quantity of executed contracts where they differ, by contract id."""
        return self._ledgers[account_id].disagreements(_quantities(positions), self.executions(account_id))

    async def await_agreement(self, account_id: str, seconds: float) -> bool:
        """Wait until pushed positions contain the executions; False when the time is over first."""
        ledger, accounts = self._ledgers[account_id], self._session.accounts
        has_executions = bool(ledger.changes(self.executions(account_id)))

        def has_caught_up() -> bool:
            return not ledger.disagreements(accounts.positions(account_id), self.executions(account_id))

        is_in_time = await self._session.wait_until(has_caught_up, seconds, f"positions of {account_id}")
        self._are_pushed |= is_in_time and has_executions
        return is_in_time

    def forget(self, account_id: str) -> None:
        """Give up what was agreed on: the next snapshot believes positions once the newest execution is old enough."""
        self._ledgers[account_id].forget()

    def _agree(self, account_id: str, quantities: dict[int, Decimal]) -> None:
        self._ledgers[account_id].agree(quantities, self.executions(account_id))
        self._agreed_at[account_id] = (self._session.doubts, self._session.gaps.mark)

    def _may_trust_pushes(self, account_id: str) -> bool:
        """Whether there are executions by which pushes prove that they come, and no push may have been lost."""
        if not self._ledgers[account_id].changes(self.executions(account_id)):
            return False
        doubts, mark = self._agreed_at[account_id]
        return self._session.doubts == doubts and self._session.gaps.since(mark, POSITIONS, account_id) is None

    def _is_as_expected(self, account_id: str) -> bool:
        expected = self._ledgers[account_id].expected(self.executions(account_id))
        return _quantities(self.pushed(account_id)) == expected

    async def _ask_until(self, account_id: str, deadline: float) -> list[Position]:
        """Positions as asked for; while they lag behind executions, pushes end the wait, or another question does."""
        patience = _FIRST_PATIENCE_SECONDS
        while True:
            positions = await self._ask(account_id)
            if self.agrees(account_id, positions):
                return positions
            seconds = min(patience, deadline - asyncio.get_running_loop().time())
            if seconds <= 0:
                self.forget(account_id)
                return positions
            if await self.await_agreement(account_id, seconds) and self.agrees(account_id, self.pushed(account_id)):
                return self.pushed(account_id)
            patience *= 2

    async def _ask(self, account_id: str) -> list[Position]:
        # Executions after the positions, so that no share is in them whose execution is not known.
        everyone = await self._requests.executions_after(account_id, self._requests.positions(account_id))
        return positions_of(account_id, everyone)

    def _seconds_to_settle(self, account_id: str) -> float:
        """Until the newest execution is old enough; never longer than that age, whatever the clocks say."""
        newest = max((each.executed_at for each in self.executions(account_id)), default=None)
        if newest is None:
            return 0.0
        settle = self._session.settings.settle_seconds
        return min(settle - (self._now() - newest).total_seconds(), settle)


def positions_of(account_id: str, everyone: list[Position]) -> list[Position]:
    """One account's part of an answer: each contract once, as last told, without closed ones."""
    latest = {each.contract.conId: each for each in everyone if each.account == account_id}
    return [each for each in latest.values() if each.position]


def _quantities(positions: list[Position]) -> dict[int, Decimal]:
    return {each.contract.conId: to_shares(each.position) for each in positions}
