"""Whether trading must stand still: when the queue's history shows that Redis lost changes it had acknowledged."""

from dataclasses import dataclass
from typing import Final

from event_processor.errors import TradingHalted
from event_queue.components import ComponentState
from event_queue.ports import ComponentBoard

_RELAY: Final = "relay"


@dataclass(frozen=True, slots=True)
class TradingHalt:
    """Asked before each live run.

    The relay reports DOWN only when the queue and its history contradict each other: an event that has ended may
    then stand in the queue again. PostgreSQL being away is no contradiction and never stops trading.
    """

    board: ComponentBoard

    async def require_none(self) -> None:
        """Allow a live run, unless the relay has found the queue unreliable.

        Raises:
            TradingHalted: it has; an operator must resync.
            QueueUnavailable: the reports cannot be read.
        """
        relay = (await self.board.read()).get(_RELAY)
        if relay is not None and relay.state is ComponentState.DOWN:
            raise TradingHalted(f"no live run until an operator has looked at the queue's history: {relay.detail}")
