"""From values to results: the objects that events carry to the audit and the API."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from broker_connector_base import AccountSnapshot, ContractPrice, MarginEffect, OrderType, PriceSource
from event_processor.market_hours import ClosedUntil
from event_processor.numbers import money, number, percent, price, shares
from event_processor.rebalancer import Blocked, LiveRun, Planning, Preview, SentOrder
from event_processor.rebalancer.day_trading import EXCHANGE_ZONE
from event_processor.result_shapes import (
    DriftShape,
    EquityShape,
    FailureShape,
    MarginShape,
    OrderShape,
    PriceShape,
    RebalanceShape,
    SkippedShape,
)
from event_queue.events import RebalanceEvent
from rebalance_calculator import EquityInfo, RebalancePlan, TargetPosition, Trade


def moment(now: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def preview_result(preview: Preview, now: datetime, *, instead_because: str = "") -> RebalanceShape:
    """The result of a dry run, and why it was one when a live run was asked for."""
    planning = preview.planning
    instead = f"not carried out, only shown: {instead_because}" if instead_because else ""
    return {
        "account_id": planning.snapshot.account_id,
        "execution_mode": "dry_run",
        "equity_info": equity_shape(planning.plan.equity),
        "orders": [trade_shape(trade, planning.style.order_type) for trade in planning.plan.trades],
        "status": "success",
        "message": f"Dry run rebalancing completed successfully{f'; {instead}' if instead else ''}",
        "timestamp": moment(now),
        "prices": price_shapes(planning.prices, now),
        "warnings": [*([instead] if instead else []), *plan_warnings(planning), *_market_warnings(preview)],
        "drift": drift_shapes(planning.plan, planning.snapshot),
    }


def live_result(run: LiveRun, now: datetime) -> RebalanceShape:
    """The result of a live run: a success when every share was executed, else partial."""
    planning = run.planning
    before = planning.snapshot
    return {
        "account_id": before.account_id,
        "execution_mode": "live",
        "equity_info": equity_shape(planning.plan.equity),
        "orders": [sent_shape(order) for order in run.orders],
        "status": "partial" if run.incomplete else "success",
        "message": _live_message(run),
        "timestamp": moment(now),
        "prices": price_shapes(planning.prices, now),
        "warnings": plan_warnings(planning),
        "drift": drift_shapes(planning.plan, run.after or before),
        "equity_before": money(before.net_liquidation),
        "equity_after": money(run.after.net_liquidation) if run.after else None,
        "cancelled_orders": [f"{order.side} {order.quantity} {order.symbol}" for order in run.cancelled],
    }


def equity_shape(equity: EquityInfo) -> EquityShape:
    """The document's equity_info, and the value of what is never traded."""
    return {
        "total_equity": money(equity.total_equity),
        "reserve_percentage": number(equity.reserve_percentage, 4),
        "reserve_amount": money(equity.reserve_amount),
        "unmanaged_value": money(equity.unmanaged_value),
        "available_for_trading": money(equity.available_for_trading),
    }


def trade_shape(trade: Trade, order_type: OrderType) -> OrderShape:
    """A planned trade."""
    return {
        "symbol": trade.symbol,
        "quantity": trade.quantity,
        "action": trade.side.value,
        "market_value": money(trade.market_value),
        "price": price(trade.price),
        "reason": trade.reason,
        "order_type": order_type.value,
    }


def sent_shape(order: SentOrder) -> OrderShape:
    """A trade and what became of its order."""
    average = order.average_price
    shape: OrderShape = {
        **trade_shape(order.trade, order.result.request.order_type),
        "order_id": order.result.order_id,
        "status": order.result.status.value,
        "filled_quantity": shares(order.result.filled_quantity),
        "average_price": None if average is None else price(average),
        "commission": None if order.commission is None else money(order.commission),
        "message": order.result.message,
    }
    if order.margin_effect is not None:
        shape["margin_effect"] = margin_shape(order.margin_effect)
    return shape


def margin_shape(effect: MarginEffect) -> MarginShape:
    """What the broker foretold of an order when it was asked."""
    return {
        "initial_margin_after": money(effect.initial_margin_after),
        "maintenance_margin_after": money(effect.maintenance_margin_after),
        "equity_with_loan_after": money(effect.equity_with_loan_after),
        "commission": money(effect.commission),
        "warning": effect.warning,
    }


def price_shapes(prices: Mapping[str, ContractPrice], now: datetime) -> dict[str, PriceShape]:
    """Prices by symbol, with their source and age."""
    return {
        symbol: {
            "price": price(quote.price),
            "source": quote.source.value,
            "age_seconds": round(quote.age_seconds(now), 1),
        }
        for symbol, quote in sorted(prices.items())
    }


def drift_shapes(plan: RebalancePlan, snapshot: AccountSnapshot) -> list[DriftShape]:
    """Target and actual share of each symbol, at the plan's prices; none when nothing is investable."""
    investable = plan.equity.available_for_trading
    if investable <= 0:
        return []
    held = {item.symbol: item.quantity for item in snapshot.positions if item.is_tradeable}
    return [_drift(target, held.get(target.symbol, Decimal(0)), investable) for target in plan.targets]


def plan_warnings(planning: Planning) -> list[str]:
    """The plan's warnings, what it leaves alone, and which of its prices are not live."""
    plan = planning.plan
    left = (f"{item.symbol}: {_plain(item.quantity)} shares cannot be sold whole" for item in plan.residues)
    kept = (
        f"{item.symbol}: {_plain(item.quantity)} left alone (not managed, {item.currency})" for item in plan.unmanaged
    )
    return [*plan.warnings, *left, *kept, *_price_warnings(planning.prices)]


def _price_warnings(prices: Mapping[str, ContractPrice]) -> Iterator[str]:
    for source in (PriceSource.DELAYED, PriceSource.PREVIOUS_CLOSE):
        symbols = sorted(symbol for symbol, quote in prices.items() if quote.source is source)
        if symbols:
            yield f"prices are not live ({source}): {', '.join(symbols)}"


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def _drift(target: TargetPosition, held: Decimal, investable: Decimal) -> DriftShape:
    return {
        "symbol": target.symbol,
        "target_percent": percent(target.weight),
        "actual_percent": percent(held * target.price / investable),
    }


def _market_warnings(preview: Preview) -> Sequence[str]:
    if isinstance(preview.market, ClosedUntil):
        return [f"the market is closed: a live run would wait until {moment(preview.market.opens_at)}"]
    return []


def skipped_result(account_id: str, blocked: Blocked, now: datetime) -> SkippedShape:
    """The result of an event that a rule of the account forbids today."""
    allowed = None if blocked.next_allowed is None else moment(blocked.next_allowed)
    return {
        "account_id": account_id,
        "execution_mode": "live",
        "status": "skipped",
        "message": f"not rebalanced: {blocked.reason}; next allowed {allowed or 'on the next trading day'}",
        "next_allowed_time": allowed,
        "timestamp": moment(now),
    }


def _live_message(run: LiveRun) -> str:
    if not run.orders:
        return "Live rebalancing completed successfully: nothing to trade"
    waiting = _waiting_words(run)
    if not run.incomplete:
        return f"Live rebalancing completed successfully{waiting}"
    return f"Live rebalancing completed in part: {'; '.join(order.describe() for order in run.incomplete)}{waiting}"


def _waiting_words(run: LiveRun) -> str:
    if not run.waiting_for_close:
        return ""
    count, closes = len(run.waiting_for_close), run.closes_at.astimezone(EXCHANGE_ZONE)
    return f": {count} market-on-close orders working until {closes:%H:%M} New York time"


def failure_result(event: RebalanceEvent, *, kind: str, message: str, now: datetime) -> FailureShape:
    """The result of an attempt that failed and will be repeated."""
    return {
        "account_id": event.account_id,
        "command": event.exec_command.value,
        "status": "failed",
        "failure_kind": kind,
        "message": message,
        "timestamp": moment(now),
    }
