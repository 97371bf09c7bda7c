"""What an account owns: cash and holdings as one frozen value, and what a fill makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.world.fault_spec import Side
from sandbox.world.spec import InstrumentSpec


@dataclass(frozen=True, slots=True)
class Holding:
    """A position. `avg_cost` is for one share or contract, multiplier and commissions of buys included."""

    instrument: InstrumentSpec
    quantity: Decimal
    avg_cost: Decimal
    realized: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Trade:
    """What an execution moves. Price and commission are in the instrument's currency."""

    instrument: InstrumentSpec
    side: Side
    quantity: Decimal
    price: Decimal
    commission: Decimal = Decimal(0)

    @property
    def signed_quantity(self) -> Decimal:
        return self.quantity if self.side == "BUY" else -self.quantity

    @property
    def unit_value(self) -> Decimal:
        return self.price * self.instrument.multiplier

    @property
    def cash_flow(self) -> Decimal:
        """Money that comes in (a sale) or goes out, after the commission."""
        return -self.signed_quantity * self.unit_value - self.commission


@dataclass(frozen=True, slots=True)
class Ledger:
    """Cash by currency, of which `unsettled` are the proceeds of sales, and holdings by contract id."""

    cash: Mapping[str, Decimal]
    unsettled: Mapping[str, Decimal]
    holdings: Mapping[int, Holding]

    def quantity(self, con_id: int) -> Decimal:
        holding = self.holdings.get(con_id)
        return holding.quantity if holding else Decimal(0)

    def after(self, trade: Trade, *, settles_at_once: bool) -> "Ledger":
        """The ledger once the trade is booked. Sold-out holdings stay, with quantity 0, for their realized result."""
        currency = trade.instrument.currency
        proceeds = Decimal(0) if settles_at_once else max(trade.cash_flow, Decimal(0))
        con_id = trade.instrument.con_id
        before = self.holdings.get(con_id, Holding(trade.instrument, Decimal(0), Decimal(0)))
        return Ledger(
            cash=_plus(self.cash, currency, trade.cash_flow),
            unsettled=_plus(self.unsettled, currency, proceeds),
            holdings={**self.holdings, con_id: _after_trade(before, trade)},
        )

    def corrected(self, wrong: Trade, right: Trade) -> "Ledger":
        """The ledger as if `right` had been booked instead of `wrong`."""
        currency = wrong.instrument.currency
        holding = self.holdings[wrong.instrument.con_id]
        moved = right.signed_quantity - wrong.signed_quantity
        quantity = holding.quantity + moved
        cost = holding.quantity * holding.avg_cost
        cost += right.signed_quantity * right.unit_value - wrong.signed_quantity * wrong.unit_value
        is_buy = wrong.side == "BUY"
        avg_cost = cost / quantity if is_buy and quantity else holding.avg_cost
        fixed = replace(holding, quantity=quantity, avg_cost=avg_cost)
        return replace(
            self,
            cash=_plus(self.cash, currency, right.cash_flow - wrong.cash_flow),
            holdings={**self.holdings, wrong.instrument.con_id: fixed},
        )

    def deposited(self, currency: str, amount: Decimal) -> "Ledger":
        """The ledger after money came in, or with a negative amount went out."""
        return replace(self, cash=_plus(self.cash, currency, amount))


def _plus(amounts: Mapping[str, Decimal], currency: str, amount: Decimal) -> Mapping[str, Decimal]:
    return {**amounts, currency: amounts.get(currency, Decimal(0)) + amount}


def _after_trade(before: Holding, trade: Trade) -> Holding:
    delta = trade.signed_quantity
    quantity = before.quantity + delta
    if before.quantity * delta >= 0:
        cost = before.quantity * before.avg_cost + delta * trade.unit_value + trade.commission
        return replace(before, quantity=quantity, avg_cost=cost / quantity)
    closed = min(abs(delta), abs(before.quantity)) * (1 if before.quantity > 0 else -1)
    realized = before.realized + closed * (trade.unit_value - before.avg_cost) - trade.commission
    crossed = quantity * before.quantity < 0
    avg_cost = trade.unit_value if crossed else before.avg_cost if quantity else Decimal(0)
    return replace(before, quantity=quantity, avg_cost=avg_cost, realized=realized)
