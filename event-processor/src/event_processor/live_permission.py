"""Whether a command may run at this moment: asked before anything is touched."""

from dataclasses import dataclass
from typing import Protocol

from event_processor.side_by_side import both
from event_queue.errors import TradingPaused
from event_queue.outcomes import EVERY_ACCOUNT
from event_queue.ports.operators import TradingSwitch


class Halt(Protocol):
    """Whether the queue can be trusted."""

    async def require_none(self) -> None:
        """Raise unless it can."""
        ...

    async def require_compared(self) -> None:
        """Raise unless its events are known to be those that have not ended."""
        ...


@dataclass(frozen=True, slots=True)
class LivePermission:
    """The operator's switch, and the halt over a queue that cannot be trusted."""

    halt: Halt
    switch: TradingSwitch

    async def require(self, account_id: str) -> None:
        """Allow a live run on the account.

        Raises:
            QueueHalted, TradingHalted: the queue contradicts its history.
            HistoryUnchecked: nobody has compared the two.
            TradingPaused: an operator paused the account, or all trading.
            QueueUnavailable: nobody can tell.
        """
        _, pauses = await both(self.halt.require_none(), self.switch.read())
        pause = pauses.get(account_id) or pauses.get(EVERY_ACCOUNT)
        if pause is not None:
            raise TradingPaused(account_id, pause)

    async def require_compared(self) -> None:
        """Allow what does not trade, which goes on while trading is paused.

        Raises:
            QueueHalted: the queue contradicts its history.
            HistoryUnchecked: nobody has compared the two.
            QueueUnavailable: nobody can tell.
        """
        await self.halt.require_compared()
