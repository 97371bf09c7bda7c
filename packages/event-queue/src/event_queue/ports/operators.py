"""What operators and services see of the queue and do with it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from event_queue.components import ComponentReport
from event_queue.outcomes import DeleteOutcome, LivingEvent, Pause, QueueStatus, RedisCondition


class TradingSwitch(Protocol):
    """Stops and restarts trading, for one account or for all (scope EVERY_ACCOUNT).

    A pause bites before the next order; previews, prints and cancel-orders go on.
    """

    async def pause(self, scope: str, *, actor: str, reason: str) -> Pause:
        """Pause a scope, audited; a scope that is paused already gets the new actor and reason and keeps its moment."""
        ...

    async def resume(self, scope: str, *, actor: str) -> Pause | None:
        """Lift the pause of a scope, audited, and make the events due that no other pause covers.

        Returns:
            The pause that was lifted; None when the scope was not paused.
        """
        ...

    async def read(self) -> Mapping[str, Pause]:
        """Every pause in force, by scope."""
        ...


class QueueAdmin(Protocol):
    """What operators see and do."""

    async def status(self) -> QueueStatus:
        """Counters, in one round trip whose cost does not depend on the queue's length."""
        ...

    async def list_events(self, limit: int, *, offset: int = 0) -> Sequence[LivingEvent]:
        """Up to `limit` living events in the order in which they will run, leaving out the first `offset`.

        Processing ones first, then waiting ones, then delayed ones by due time.
        """
        ...

    async def get_event(self, event_id: UUID) -> LivingEvent | None:
        """One living event."""
        ...

    async def delete(self, event_id: UUID, *, actor: str) -> DeleteOutcome:
        """Remove an event that is not in work, and its active key, atomically and audited."""
        ...

    async def ping(self) -> None:
        """Raise QueueUnavailable unless Redis answers."""
        ...

    async def condition(self) -> RedisCondition:
        """Whether Redis takes writes and keeps them, by its settings and its state."""
        ...


NextReport = Callable[[float], Awaitable[None]]
"""Returns at the next report of any part, or after so many seconds."""


class ComponentBoard(Protocol):
    """Where services post the state of their parts."""

    async def report(self, report: ComponentReport) -> None:
        """Post one part's state, replacing its last by the same process."""
        ...

    async def read(self) -> Mapping[str, ComponentReport]:
        """The latest report of each part, whichever process posted it."""
        ...

    async def read_each(self) -> Sequence[ComponentReport]:
        """The latest report of each part by each process that speaks of it."""
        ...

    def following(self) -> AbstractAsyncContextManager[NextReport]:
        """A wait for the next report of any part, none of which is missed from the entry of the context on."""
        ...
