"""Short ways to write down an account, its quotes and its weights. Numbers are read as Decimal from their text."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from broker_connector_base import AccountPosition, AccountSnapshot, AssetClass, ContractPrice, PriceSource
from rebalance_calculator.models import PlanInputs, RebalancePlan, TargetWeight, Trade

Number = Decimal | int | str

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""The moment of every snapshot and quote made here."""


def position(
    symbol: str,
    quantity: Number,
    *,
    contract_id: str | None = None,
    asset_class: AssetClass = AssetClass.STOCK,
    currency: str = "USD",
) -> AccountPosition:
    """A position, by default of a US stock whose contract id follows from its symbol."""
    return AccountPosition(
        symbol=symbol,
        contract_id=contract_id or f"contract of {symbol}",
        quantity=Decimal(quantity),
        asset_class=asset_class,
        currency=currency,
    )


def account(
    *,
    cash: Number,
    net_liquidation: Number,
    positions: Iterable[AccountPosition] = (),
    settled_cash: Number | None = None,
    other_cash: Number = 0,
) -> AccountSnapshot:
    """A snapshot of paper account DU1: a cash account when `settled_cash` is given, else a margin account."""
    return AccountSnapshot(
        account_id="DU1",
        net_liquidation=Decimal(net_liquidation),
        cash=Decimal(cash),
        settled_cash=Decimal(cash if settled_cash is None else settled_cash),
        is_cash_account=settled_cash is not None,
        other_cash=Decimal(other_cash),
        positions=tuple(positions),
        taken_at=NOON,
    )


def quotes(prices: Mapping[str, Number]) -> Mapping[str, ContractPrice]:
    """Live mid prices."""
    return {
        symbol: ContractPrice(symbol=symbol, price=Decimal(price), source=PriceSource.LIVE_MID, observed_at=NOON)
        for symbol, price in prices.items()
    }


def weights(percent: Mapping[str, Number]) -> tuple[TargetWeight, ...]:
    """Target weights from percentages."""
    return tuple(TargetWeight(symbol, Decimal(number) / 100) for symbol, number in percent.items())


def inputs(
    snapshot: AccountSnapshot,
    *,
    percent: Mapping[str, Number],
    prices: Mapping[str, Number],
    reserve: Number = 0,
    excluded: Iterable[str] = (),
) -> PlanInputs:
    """Everything that a plan needs."""
    return PlanInputs(
        snapshot=snapshot,
        weights=weights(percent),
        prices=quotes(prices),
        reserve_percentage=Decimal(reserve),
        excluded=frozenset(excluded),
    )


def after_fills(before: PlanInputs, trades: Iterable[Trade]) -> PlanInputs:
    """The same inputs after the trades were filled and settled at plan prices, without commission."""
    done = tuple(trades)
    proceeds = sum((-trade.side.sign * trade.market_value for trade in done), Decimal(0))
    snapshot = before.snapshot
    bought = {trade.symbol: trade.side.sign * trade.quantity for trade in done}
    after = snapshot.model_copy(
        update={
            "cash": snapshot.cash + proceeds,
            "settled_cash": snapshot.settled_cash + proceeds,
            "positions": _with_fills(snapshot.positions, bought),
        }
    )
    return replace(before, snapshot=after)


def traded(plan: RebalancePlan) -> Mapping[str, int]:
    """Signed whole shares by symbol: positive bought, negative sold."""
    return {trade.symbol: trade.side.sign * trade.quantity for trade in plan.trades}


def _with_fills(positions: Iterable[AccountPosition], bought: Mapping[str, int]) -> tuple[AccountPosition, ...]:
    remaining = dict(bought)
    after: list[AccountPosition] = []
    for held in positions:
        change = remaining.pop(held.symbol, 0) if held.is_tradeable else 0
        after.append(held.model_copy(update={"quantity": held.quantity + change}))
    return (*after, *(position(symbol, change) for symbol, change in remaining.items()))
