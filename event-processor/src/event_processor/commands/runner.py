"""From an event to its command, with everything refused that must not run."""

from collections.abc import Mapping
from dataclasses import dataclass

from event_processor.account_check import configured_account, require_managed, require_mode
from event_processor.attempt import Attempt, CommandOutcome
from event_processor.broker_session import BrokerSession
from event_processor.commands.registry import handler_of
from event_processor.event_age import EventAge, outdated
from event_processor.live_permission import LivePermission
from event_processor.rebalancer.ports import Guard, Recorder
from event_processor.target_source import TargetSource
from event_queue.events import Command, RebalanceEvent
from service_runtime.accounts import Accounts
from service_runtime.clock import Clock
from service_runtime.settings import OrdersSettings, TradingMode


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRunner:
    """Runs commands; account settings come from accounts.yaml, never from an event's payload."""

    accounts: Accounts
    brokers: Mapping[str, BrokerSession]
    """By the `broker` field of accounts."""
    targets: TargetSource
    orders: OrdersSettings
    trading_mode: TradingMode
    permission: LivePermission
    age_of: EventAge
    clock: Clock
    price_cache_seconds: float = 0
    max_event_age_seconds: float = 0
    """Live events older than this are only shown; 0 sets no limit."""

    async def run(self, event: RebalanceEvent, *, recorder: Recorder, guard: Guard) -> CommandOutcome:
        """Run the event's command to its end.

        Raises:
            AccountUnknown, AccountRefused: the account may not be worked on here.
            QueueHalted, HistoryUnchecked: the queue may hold events that have ended.
            TradingHalted: the queue is not to be traded on.
            TradingPaused: an operator paused the account.
            Exception: whatever the command raises; `failures.classify` tells what it means.
        """
        account = configured_account(self.accounts, event.account_id)
        require_mode(account.account_id, self.trading_mode)
        shown_only = await outdated(event, self.age_of, self.max_event_age_seconds)
        if event.exec_command is Command.REBALANCE and not shown_only:
            await self.permission.require(account.account_id)
        else:
            await self.permission.require_compared()
        broker = await self.brokers[account.broker].client()
        require_managed(account.account_id, await broker.get_managed_accounts())
        attempt = Attempt(
            event=event,
            account=account,
            broker=broker,
            targets=self.targets,
            orders=self.orders,
            price_cache_seconds=self.price_cache_seconds,
            clock=self.clock,
            recorder=recorder,
            guard=guard,
            shown_only=shown_only,
        )
        return await handler_of(event.exec_command)(attempt)
