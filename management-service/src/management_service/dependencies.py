"""What the application is made of; `main` chooses the adapters, tests choose fakes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from pydantic import SecretStr

from event_queue.mender import Mender
from event_queue.ports.history import AuditStore
from event_queue.ports.intake import Intake
from event_queue.ports.operators import ComponentBoard, QueueAdmin, TradingSwitch
from management_service.key_guessing import KeyGuessing
from management_service.traffic import Traffic
from service_runtime.accounts import Accounts
from service_runtime.clock import Clock
from service_runtime.settings import TradingMode


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Ports and settings of the application."""

    intake: Intake
    admin: QueueAdmin
    verify: Callable[[], Awaitable[None]]
    """Raises CorruptQueue, which names the key, when Redis holds what the queue never wrote."""
    audit: AuditStore
    board: ComponentBoard
    trading: TradingSwitch
    accounts: Accounts
    trading_mode: TradingMode
    api_key: SecretStr | None
    """None: reads are served, writes answer 503."""
    clock: Clock
    key_guessing: KeyGuessing = field(default_factory=KeyGuessing)
    """How often each address has sent a wrong key."""
    traffic: Traffic = field(default_factory=Traffic)
    """The requests served so far."""
    mender: Mender | None = None
    """What compares Redis with history and puts it right."""


def _of_application(request: Request) -> Dependencies:
    return cast("Dependencies", request.app.state.dependencies)


Injected = Annotated[Dependencies, Depends(_of_application)]
"""A route's parameter of this type receives the application's dependencies."""
