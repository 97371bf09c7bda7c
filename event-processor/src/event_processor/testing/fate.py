"""Dying at a chosen step, as after kill -9: from then on nothing more is done."""

from datetime import UTC, datetime

from broker_connector_base import Fill, MarginEffect, OrderRequest, OrderResult
from broker_connector_base.testing import Journal
from event_queue.errors import TradingPaused
from event_queue.outcomes import LastTrade, Pause


class Killed(BaseException):
    """The process is dead; no handler of ours may catch it."""


class Fate:
    """Counts steps, and kills at the one it was made for and at every later one."""

    def __init__(self, dies_at: int | None = None) -> None:
        self.steps = 0
        self._dies_at = dies_at

    def step(self) -> None:
        """One more step, if the process lives to take it."""
        self.steps += 1
        if self._dies_at is not None and self.steps >= self._dies_at:
            raise Killed


class FatefulJournal(Journal):
    """A brokerage's journal that makes each call to it a step, taken before the call has an effect."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self.fate = fate

    def record(self, name: str, subject: str = "") -> None:
        """Add a call, if the process lives to make it."""
        self.fate.step()
        super().record(name, subject)


class FatefulGuard:
    """A Guard that allows everything; each question is a step. `refusal` is raised from then on instead."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.refusal: Exception | None = None

    def require_running(self) -> None:
        """Allowed, unless dead or refused."""
        self.fate.step()
        if self.refusal is not None:
            raise self.refusal

    def require_lease(self) -> None:
        """Allowed, unless dead or refused."""
        self.require_running()


class FatefulRecorder:
    """A Recorder in memory; each record is a step, taken before it is written."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self.intents: list[OrderRequest] = []
        self.effects: list[MarginEffect | None] = []
        self.last: LastTrade | None = None
        """What is told as the account's latest trading day."""
        self.pauses_at: int | None = None
        """Trading is paused once so many orders have been intended."""
        self.unsent_orders: dict[str, str] = {}
        self.unconfirmed_orders: dict[str, str] = {}
        self.results: list[OrderResult] = []
        self.found: list[Fill] = []

    async def intent(self, request: OrderRequest, reason: str, effect: MarginEffect | None = None) -> None:
        """Keep the intent and its margin effect; a reason must be given."""
        self.fate.step()
        if self.pauses_at is not None and len(self.intents) >= self.pauses_at:
            pause = Pause("*", "operator", "stop", datetime(2099, 1, 1, tzinfo=UTC))
            raise TradingPaused(request.account_id, pause)
        assert reason  # noqa: S101 - this is a test's own check
        self.intents.append(request)
        self.effects.append(effect)

    async def unsent(self, request: OrderRequest, reason: str) -> None:
        """Keep the order and why it did not leave."""
        self.fate.step()
        self.unsent_orders[request.order_ref] = reason

    async def unconfirmed(self, request: OrderRequest, reason: str) -> None:
        """Keep the order and why its end is not known."""
        self.fate.step()
        self.unconfirmed_orders[request.order_ref] = reason

    async def result(self, result: OrderResult) -> None:
        """Keep the result."""
        self.fate.step()
        self.results.append(result)

    async def earlier_fills(self, fills: tuple[Fill, ...]) -> None:
        """Keep the fills."""
        self.fate.step()
        self.found.extend(fills)

    async def last_trade(self) -> LastTrade | None:
        """What was set."""
        return self.last
