"""Pictures of the truth for readers outside the protocol."""

from sandbox.world.parts import Parts
from sandbox.world.state import AccountState, FillState, PositionState
from sandbox.world.valuation import HoldingValue, value_of_account, value_of_holding


def picture_of_account(parts: Parts, account_id: str) -> AccountState:
    """Everything about one account at this moment."""
    account = parts.accounts.get(account_id)
    value = value_of_account(account.spec, account.ledger, parts.market)
    held = [value_of_holding(holding, parts.market) for holding in account.ledger.holdings.values()]
    return AccountState(
        account_id=account_id,
        kind=account.spec.kind,
        currency=account.spec.currency,
        cash=value.cash,
        cash_by_currency=dict(account.ledger.cash),
        settled_cash=value.settled_cash,
        net_liquidation=value.net_liquidation,
        available_funds=value.available_funds,
        buying_power=value.buying_power,
        positions=tuple(_position(each) for each in held if each.holding.quantity),
        open_orders=tuple(order.state() for order in parts.book if order.account == account_id and not order.is_done),
        fills=tuple(_fills(parts, account_id)),
    )


def _position(value: HoldingValue) -> PositionState:
    instrument = value.holding.instrument
    return PositionState(
        con_id=instrument.con_id,
        symbol=instrument.symbol,
        sec_type=instrument.sec_type,
        currency=instrument.currency,
        quantity=value.holding.quantity,
        avg_cost=value.holding.avg_cost,
        market_price=value.price,
        market_value=value.value,
    )


def _fills(parts: Parts, account_id: str) -> list[FillState]:
    mine = [each for each in parts.executions.standing() if each.order.account == account_id]
    return [execution.state() for execution in mine if execution.quantity]
