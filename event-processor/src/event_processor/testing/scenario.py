"""One account at a paper brokerage and a rebalancer before it: a whole case in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from broker_connector_base import OrderRequest, OrderStatus, OrderType, Side, TimeInForce, TradingSession
from broker_connector_base.testing import (
    LeaveOpen,
    OrderScript,
    PaperAccount,
    PaperBroker,
    PaperBrokerage,
    PaperOrder,
    PaperQuote,
    PaperSpec,
    paper_position,
)
from broker_connector_base.testing.paper_scripts import Behaviour
from event_processor.market_hours import ClosedUntil
from event_processor.rebalancer import Blocked, LiveRun, Preview, Rebalancer
from event_processor.testing.fate import Fate, FatefulGuard, FatefulJournal, FatefulRecorder
from event_processor.testing.hand_clock import HandClock
from rebalance_calculator import Allocation, TargetWeight, validate_allocations
from service_runtime.accounts import AccountConfig, NotificationConfig, RebalancingConfig
from service_runtime.settings import OrdersSettings

ACCOUNT = "DU1"
EVENT_ID = UUID("11111111-1111-4111-8111-111111111111")
NOON = datetime(2099, 3, 2, 17, tzinfo=UTC)
"""12:00 in New York on a Monday."""
OPENING = datetime(2099, 3, 2, 14, 30, tzinfo=UTC)
CLOSING = datetime(2099, 3, 2, 21, tzinfo=UTC)
NEXT_OPENING = OPENING + timedelta(days=1)
REGULAR = (
    TradingSession(opens_at=OPENING, closes_at=CLOSING),
    TradingSession(opens_at=NEXT_OPENING, closes_at=CLOSING + timedelta(days=1)),
)
EXTENDED = (
    TradingSession(opens_at=OPENING - timedelta(hours=5, minutes=30), closes_at=CLOSING + timedelta(hours=4)),
    TradingSession(opens_at=NEXT_OPENING - timedelta(hours=5, minutes=30), closes_at=CLOSING + timedelta(hours=28)),
)

Number = Decimal | int | str


def paper_account(cash: Number, **held: Number) -> PaperAccount:
    """A margin account with cash and shares by symbol."""
    return PaperAccount(
        account_id=ACCOUNT,
        cash=Decimal(cash),
        positions=tuple(paper_position(symbol, Decimal(quantity)) for symbol, quantity in held.items()),
    )


def paper_brokerage(
    account: PaperAccount, clock: HandClock, prices: Mapping[str, Number | None], *, commission: Number = 0
) -> PaperBrokerage:
    """A brokerage with one account, open from 9:30 to 16:00 New York time on two days."""
    quotes = tuple(
        PaperQuote(symbol=symbol, price=None if price is None else Decimal(price)) for symbol, price in prices.items()
    )
    spec = PaperSpec(
        accounts=(account,), quotes=quotes, regular=REGULAR, extended=EXTENDED, commission=Decimal(commission)
    )
    return PaperBrokerage(spec, now=clock.now)


def published(percent: Mapping[str, Number]) -> tuple[TargetWeight, ...]:
    """Weights as the allocations API would give them, from percentages."""
    return validate_allocations([Allocation(symbol, Decimal(number) / 100) for symbol, number in percent.items()])


def scenario(
    account: PaperAccount, prices: Mapping[str, Number | None], percent: Mapping[str, Number], *, reserve: Number = 0
) -> "Scenario":
    """A case: an account, prices, targets in percent, at noon on a trading day."""
    clock = HandClock(NOON)
    brokerage = paper_brokerage(account, clock, prices)
    return Scenario(brokerage=brokerage, weights=published(percent), clock=clock, reserve=reserve)


def case_five() -> "Scenario":
    """Case 5: two positions to trim, one target to buy; 406 AAA and 15 BBB are sold, 316 CCC bought."""
    return scenario(
        paper_account(20_000, AAA=1000, BBB=1500),
        {"AAA": 50, "BBB": 20, "CCC": 125},
        {"AAA": 30, "BBB": 30, "CCC": 40},
        reserve=1,
    )


@dataclass(slots=True, kw_only=True)
class Scenario:
    """An account, its targets, and how orders go out. Every delivery is one more attempt at one event."""

    brokerage: PaperBrokerage
    weights: tuple[TargetWeight, ...]
    clock: HandClock
    reserve: Number = 0
    exclude: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of the account's entry in accounts.yaml."""
    orders: OrdersSettings = field(
        default_factory=lambda: OrdersSettings(fill_timeout_seconds=0.02, cancel_timeout_seconds=0.02)
    )
    fate: Fate = field(default_factory=Fate)
    attempt: int = 0
    """How often the event was delivered."""
    cash_wait_seconds: float = 0.02
    guard: FatefulGuard = field(init=False)
    recorder: FatefulRecorder = field(init=False)

    def __post_init__(self) -> None:
        self.meet(self.fate)

    def meet(self, fate: Fate) -> None:
        """Begin a new life, with nothing of the last one but what the brokerage knows."""
        self.fate = fate
        self.guard = FatefulGuard(fate)
        self.recorder = FatefulRecorder(fate)
        self.brokerage.journal = FatefulJournal(fate)

    @property
    def account(self) -> AccountConfig:
        """The account as configured."""
        return AccountConfig(
            account_id=ACCOUNT,
            notification=NotificationConfig(channel="channel-1"),
            rebalancing=RebalancingConfig(equity_reserve_percentage=Decimal(self.reserve)),
            exclude=self.exclude,
            **self.settings,
        )

    async def deliver(self, event_id: UUID = EVENT_ID) -> LiveRun | ClosedUntil | Blocked:
        """Deliver the event once (more), or another one, over a new session of the same client."""
        self.attempt += 1
        rebalancer = await self._rebalancer()
        return await rebalancer.execute(self.account, self._fetch(), event_id=event_id, attempt=self.attempt)

    async def carry_out(self) -> LiveRun:
        """Deliver the event, which nothing keeps from being carried out."""
        run = await self.deliver()
        if not isinstance(run, LiveRun):
            raise TypeError(f"the run was not carried out: {run}")
        return run

    async def preview(self) -> Preview:
        """Show the plan."""
        rebalancer = await self._rebalancer()
        return await rebalancer.preview(self.account, self._fetch())

    async def _rebalancer(self) -> Rebalancer:
        broker = PaperBroker(self.brokerage)
        await broker.connect()
        return Rebalancer(
            broker=broker,
            clock=self.clock,
            orders=self.orders,
            recorder=self.recorder,
            guard=self.guard,
            cash_wait_seconds=self.cash_wait_seconds,
            refusal_wait_seconds=0.02,
        )

    async def _fetch(self) -> tuple[TargetWeight, ...]:
        return self.weights

    @property
    def placed(self) -> tuple[PaperOrder, ...]:
        """Every order of this event, in the order of placing."""
        mine = f"{EVENT_ID}:"
        return tuple(order for order in self.brokerage.orders if order.request.order_ref.startswith(mine))

    @property
    def sent(self) -> list[tuple[Side, int, str]]:
        """Side, quantity and symbol of every order of this event."""
        return [(order.request.side, order.request.quantity, order.request.symbol) for order in self.placed]

    @property
    def cash(self) -> Decimal:
        """The account's real cash."""
        return self.brokerage.ledger(ACCOUNT).cash

    @property
    def shares(self) -> dict[str, Decimal]:
        """What the account really holds."""
        return {position.symbol: position.quantity for position in self.brokerage.ledger(ACCOUNT).positions}

    @property
    def open_orders(self) -> int:
        """How many orders are alive."""
        return sum(not order.is_final for order in self.brokerage.orders)

    def final_statuses(self) -> list[OrderStatus]:
        """How each order of this event ended."""
        return [order.status for order in self.placed]


def leave_order_open(brokerage: PaperBrokerage, symbol: str, *, owner: str, behaviour: Behaviour | None = None) -> None:
    """Have somebody place a market order to buy 5 shares that does not fill by itself; ours is owner 1."""
    brokerage.scripts.add(OrderScript(behaviour or LeaveOpen(), symbol, Side.BUY))
    request = OrderRequest(
        account_id=ACCOUNT,
        symbol=symbol,
        side=Side.BUY,
        quantity=5,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.GOOD_TILL_CANCELLED,
        order_ref="left over",
    )
    brokerage.place(request, owner=owner)
