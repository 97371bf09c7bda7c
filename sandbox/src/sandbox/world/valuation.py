"""What an account is worth and may spend, in its base currency."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.world.ledger import Holding, Ledger
from sandbox.world.market import Market
from sandbox.world.spec import AccountSpec


@dataclass(frozen=True, slots=True)
class HoldingValue:
    """A holding at the price of this moment, in the instrument's currency."""

    holding: Holding
    price: Decimal
    value: Decimal
    unrealized: Decimal


@dataclass(frozen=True, slots=True)
class AccountValue:
    """Totals in the base currency. `gross` counts long and short positions alike."""

    cash: Decimal
    settled_cash: Decimal
    holdings_value: Decimal
    gross: Decimal
    initial_margin: Decimal
    available_funds: Decimal
    buying_power: Decimal
    unrealized: Decimal
    realized: Decimal

    @property
    def net_liquidation(self) -> Decimal:
        return self.cash + self.holdings_value


def value_of_holding(holding: Holding, market: Market) -> HoldingValue:
    """Value one holding at the undisturbed price."""
    price = market.price(holding.instrument.con_id)
    value = holding.quantity * price * holding.instrument.multiplier
    return HoldingValue(holding, price, value, value - holding.quantity * holding.avg_cost)


def value_of_account(spec: AccountSpec, ledger: Ledger, market: Market) -> AccountValue:
    """Value a ledger. A margin account has its equity less the initial margin to spend, a cash account its cash."""
    cash = _in_base(spec, dict(ledger.cash), market)
    held = [value_of_holding(holding, market) for holding in ledger.holdings.values()]
    rates = [market.rate(value.holding.instrument.currency, spec.currency) for value in held]
    values = [value.value * rate for value, rate in zip(held, rates, strict=True)]
    gross = sum((abs(value) for value in values), Decimal(0))
    equity = cash + sum(values, Decimal(0))
    is_margin = spec.kind == "margin"
    margin = gross * spec.initial_margin if is_margin else gross
    available = max(equity - margin, Decimal(0)) if is_margin else cash
    return AccountValue(
        cash=cash,
        settled_cash=cash - _in_base(spec, dict(ledger.unsettled), market),
        holdings_value=sum(values, Decimal(0)),
        gross=gross,
        initial_margin=margin,
        available_funds=available,
        buying_power=available / spec.initial_margin if is_margin else available,
        unrealized=sum((v.unrealized * rate for v, rate in zip(held, rates, strict=True)), Decimal(0)),
        realized=sum((v.holding.realized * rate for v, rate in zip(held, rates, strict=True)), Decimal(0)),
    )


def _in_base(spec: AccountSpec, amounts: dict[str, Decimal], market: Market) -> Decimal:
    return sum((amount * market.rate(currency, spec.currency) for currency, amount in amounts.items()), Decimal(0))
