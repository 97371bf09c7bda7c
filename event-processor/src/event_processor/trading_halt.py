"""Whether trading must stand still: when the queue's history shows that Redis lost changes it had acknowledged."""

from dataclasses import dataclass
from typing import Final

from event_processor.errors import TradingHalted
from event_queue.components import ComponentState
from event_queue.ports.operators import ComponentBoard

_RELAY: Final = "relay"
_HISTORY: Final = "history"


@dataclass(frozen=True, slots=True)
class TradingHalt:
    """Asked before each live run.

    The relay reports DOWN only when the queue and its history contradict each other: an event that has ended may
    then stand in the queue again. PostgreSQL being away is no contradiction and never stops trading. Whoever compares
    the two at each second knows earlier that they agree again.
    """

    board: ComponentBoard

    async def require_none(self) -> None:
        """Allow a live run, unless the relay has found the queue unreliable.

        Raises:
            TradingHalted: it has; an operator must resync.
            QueueUnavailable: the reports cannot be read.
        """
        reports = await self.board.read()
        relay, history = reports.get(_RELAY), reports.get(_HISTORY)
        agrees = history is not None and history.state is ComponentState.OK
        if relay is not None and relay.state is ComponentState.DOWN and not agrees:
            raise TradingHalted(f"no live run until an operator has looked at the queue's history: {relay.detail}")
