"""What an order would do to the account's margin, without placing it."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.world.credit import commission, margin_with
from sandbox.world.orders import Order
from sandbox.world.parts import Parts
from sandbox.world.valuation import value_of_account


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The answer to a what-if order, in the account's base currency."""

    order: Order
    margin_before: Decimal
    margin_after: Decimal
    equity: Decimal
    commission: Decimal
    currency: str


def what_if_of(parts: Parts, order: Order) -> WhatIf:
    """Reckon an order that is in no book."""
    account = parts.accounts.get(order.account)
    value = value_of_account(account.spec, account.ledger, parts.market)
    is_margin = account.spec.kind == "margin"
    waiting = parts.book.open_in(account.id)
    return WhatIf(
        order=order,
        margin_before=margin_with(parts, account.id, waiting) if is_margin else value.initial_margin,
        margin_after=margin_with(parts, account.id, [*waiting, order]) if is_margin else value.initial_margin,
        equity=value.net_liquidation,
        commission=commission(parts.spec.commission, order.request.quantity, Decimal(0)),
        currency=account.spec.currency,
    )
