"""Messages that were lost because they could not be decoded, and whether what they told was asked for since.

Of these kinds a loss matters:

- openOrder, orderStatus, execDetails: orders and shares. The list that was under way is incomplete, orders that live
  are in doubt, and nothing is placed until open orders and executions have been listed completely.
- error: it may have ended an order, so orders that live are in doubt; shares it moves none.
- position, accountSummary, contractDetails: the answer under way is incomplete.

Where a message tells its account, by itself or by its order, the accounts of others are not held up by its loss. A
message with a number or time that cannot be is lost like one that cannot be read.

Others cost no more than what they would have told: a price, a commission, a pushed figure that is asked for anyway, a
completed order, whose absence proves nothing at any gateway.
"""

from collections.abc import Iterable
from typing import Final

from ibkr_connector.decoding import UNREADABLE
from ibkr_connector.messages import Undecodable

OPEN_ORDERS: Final = frozenset({3, 5})
EXECUTIONS: Final = frozenset({11})
POSITIONS: Final = frozenset({61})
SUMMARY: Final = frozenset({63})
DETAILS: Final = frozenset({10})
TRADING: Final = OPEN_ORDERS | EXECUTIONS
DOUBTFUL: Final = TRADING | {4, UNREADABLE}
"""After the loss of one of these any order may stand elsewhere than it seems."""


class Gaps:
    """What one session lost. Marks count the messages lost so far."""

    def __init__(self) -> None:
        self.mark = 0
        self._last: dict[tuple[int, str], tuple[int, Undecodable]] = {}
        self._orders_listed = 0
        self._executions_listed: dict[str, int] = {}

    def add(self, lost: Undecodable) -> None:
        """Note a loss."""
        self.mark += 1
        self._last[lost.message_id, lost.account_id] = (self.mark, lost)

    def since(self, mark: int, kinds: frozenset[int], account_id: str = "") -> Undecodable | None:
        """A message lost after this mark that was, or may have been, of one of these kinds.

        With an account, one that was certainly about another account does not count.
        """
        wanted = kinds | {UNREADABLE}
        found = (lost for at, lost in self._last.values() if at > mark and lost.message_id in wanted)
        return next((lost for lost in found if not account_id or lost.account_id in ("", account_id)), None)

    def orders_listed(self, mark: int) -> None:
        """A complete list of open orders was asked for at this mark."""
        self._orders_listed = mark

    def executions_listed(self, account_id: str, mark: int) -> None:
        """So were all executions on the account."""
        self._executions_listed[account_id] = mark

    def unsettled_on(self, accounts: Iterable[str]) -> str:
        """For operators: what keeps orders of these accounts back; empty when nothing does."""
        lost = ((account_id, self.unsettled(account_id)) for account_id in sorted(accounts))
        return "; ".join(f"{account_id}: {each}" for account_id, each in lost if each)

    def unsettled(self, account_id: str) -> Undecodable | None:
        """A lost message about orders or shares that complete lists have not made good yet."""
        return self.since(min(self._orders_listed, self._executions_listed.get(account_id, 0)), TRADING, account_id)
