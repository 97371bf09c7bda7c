"""Hearing of executions beside the work: of orders whose event has ended, too."""

from contextlib import suppress
from dataclasses import dataclass

from broker_connector_base import BrokerConnectionError
from event_processor.broker_session import BrokerSession
from event_processor.fill_recorder import FillRecorder


@dataclass(frozen=True, slots=True)
class FillWatch:
    """Has every execution of our orders written down that a brokerage tells of, also again after a reconnection."""

    session: BrokerSession

    async def run(self, fills: FillRecorder) -> None:
        """Listen to one connection after another until cancelled; others see to it that there is one."""
        heard = 0
        while True:
            heard, broker = await self.session.connection(after=heard)
            fills.forget()
            with suppress(BrokerConnectionError):
                async for fill in broker.hear_fills():
                    await fills.record(fill)
