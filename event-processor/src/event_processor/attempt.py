"""One attempt at one event, and the ways in which it can end."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from broker_connector_base import BrokerClient
from event_processor.failures import FailureKind
from event_processor.rebalancer import Rebalancer
from event_processor.rebalancer.ports import Guard, Recorder
from event_processor.target_source import TargetSource
from event_queue.events import RebalanceEvent
from service_runtime.accounts import AccountConfig
from service_runtime.clock import Clock
from service_runtime.settings import OrdersSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Everything that a command works with."""

    event: RebalanceEvent
    account: AccountConfig
    broker: BrokerClient
    targets: TargetSource
    orders: OrdersSettings
    price_cache_seconds: float
    clock: Clock
    recorder: Recorder
    guard: Guard
    shown_only: str = ""
    """Why this live event is only shown instead of carried out; empty when it is carried out."""

    def rebalancer(self) -> Rebalancer:
        """The rebalancer of this attempt."""
        return Rebalancer(
            broker=self.broker,
            clock=self.clock,
            orders=self.orders,
            recorder=self.recorder,
            guard=self.guard,
            price_cache_seconds=self.price_cache_seconds,
        )


@dataclass(frozen=True, slots=True)
class Completed:
    """The event ends. A live run that was carried out only in part ends too: its result names what is missing.

    Trying again at once would meet the same market; the next signal, or an operator, plans from what the account
    then is.
    """

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """The event ends without having been carried out, because a rule of the account forbids it today."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delayed:
    """The event waits unchanged until a moment; this is no failure."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The event is tried again, after the pause of its kind of failure."""

    kind: FailureKind
    error: str


@dataclass(frozen=True, slots=True)
class Parked:
    """An operator paused trading; the event waits until it is resumed. This is no failure.

    `orders_sent` tells whether orders were sent before the pause bit; they have been followed to their ends.
    """

    reason: str
    orders_sent: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The service stops before the attempt could end; the next start goes on with the event.

    `orders_sent` tells whether orders may be alive at the brokerage.
    """

    orders_sent: bool


CommandOutcome = Completed | Skipped | Delayed
"""What a command returns; everything else it raises."""

AttemptOutcome = CommandOutcome | Failed | Parked | Interrupted
