"""What the brokerage refuses on an account's behalf: money, margin, short sales, halts, cut-offs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from sandbox.world import refusals
from sandbox.world.fault_spec import Side
from sandbox.world.orders import Order
from sandbox.world.parts import Parts
from sandbox.world.refusals import Refusal
from sandbox.world.spec import CommissionSpec, InstrumentSpec
from sandbox.world.valuation import value_of_account


def rejection_of(parts: Parts, order: Order) -> Refusal | None:
    """The first reason to reject an order that the gateway let through, or None."""
    checks = (_halt, _cutoff, _short_sale, _cash, _margin)
    return next((refusal for check in checks if (refusal := check(parts, order))), None)


def commission(terms: CommissionSpec, quantity: Decimal, paid_before: Decimal) -> Decimal:
    """What this much of an order costs, given what the order paid before: the minimum is for the whole order."""
    by_share = terms.per_share * quantity
    return by_share if paid_before else max(by_share, terms.minimum)


def reference_price(parts: Parts, instrument: InstrumentSpec, side: Side, limit: Decimal | None) -> Decimal:
    """The price at which the brokerage reckons an order before it fills."""
    quote = parts.market.quote(instrument)
    quoted = quote.ask if side == "BUY" else quote.bid
    return limit or quoted or parts.market.price(instrument.con_id)


def cost_in_base(parts: Parts, order: Order) -> Decimal:
    """What the unfilled part of a buy will take from the account, commission included."""
    instrument = order.instrument
    price = reference_price(parts, instrument, order.side, order.request.limit_price)
    fee = commission(parts.spec.commission, order.remaining, order.commission)
    base = parts.accounts.get(order.account).spec.currency
    return (order.remaining * price * instrument.multiplier + fee) * parts.market.rate(instrument.currency, base)


def margin_with(parts: Parts, account_id: str, orders: Iterable[Order]) -> Decimal:
    """The initial margin of the account once these orders are filled, in its base currency."""
    account = parts.accounts.get(account_id)
    quantities: dict[int, Decimal] = defaultdict(Decimal)
    quantities |= {con_id: holding.quantity for con_id, holding in account.ledger.holdings.items()}
    for each in orders:
        quantities[each.instrument.con_id] += each.remaining if each.side == "BUY" else -each.remaining
    gross = Decimal(0)
    for con_id, quantity in quantities.items():
        instrument = parts.registry.by_id(con_id)
        rate = parts.market.rate(instrument.currency, account.spec.currency)
        gross += abs(quantity) * parts.market.price(con_id) * instrument.multiplier * rate
    return gross * account.spec.initial_margin


def is_past_cutoff(parts: Parts, instrument: InstrumentSpec) -> bool:
    """Whether it is too late in today's session to send or cancel a market-on-close order."""
    now = parts.now()
    session = parts.calendar(instrument).session_at(now)
    return session is not None and now >= session.end - timedelta(minutes=parts.spec.moc_cutoff_minutes)


def _halt(parts: Parts, order: Order) -> Refusal | None:
    return refusals.HALTED if parts.market.state(order.instrument.con_id).halted else None


def _cutoff(parts: Parts, order: Order) -> Refusal | None:
    if order.request.order_type != "MOC":
        return None
    return refusals.PAST_MOC_CUTOFF if is_past_cutoff(parts, order.instrument) else None


def _short_sale(parts: Parts, order: Order) -> Refusal | None:
    account = parts.accounts.get(order.account)
    if order.side == "BUY" or account.spec.kind == "margin":
        return None
    offered = sum(o.remaining for o in _others(parts, order) if o.side == "SELL" and o.instrument is order.instrument)
    free = account.ledger.quantity(order.instrument.con_id) - offered
    return refusals.NO_SHORT_SALE if order.remaining > free else None


def _cash(parts: Parts, order: Order) -> Refusal | None:
    account = parts.accounts.get(order.account)
    if order.side == "SELL" or account.spec.kind == "margin":
        return None
    value = value_of_account(account.spec, account.ledger, parts.market)
    promised = sum((cost_in_base(parts, o) for o in _others(parts, order) if o.side == "BUY"), Decimal(0))
    available = (value.cash if account.spec.spends_unsettled else value.settled_cash) - promised
    needed = cost_in_base(parts, order)
    return refusals.too_little_cash(needed, available, account.spec.currency) if needed > available else None


def _margin(parts: Parts, order: Order) -> Refusal | None:
    account = parts.accounts.get(order.account)
    if account.spec.kind == "cash":
        return None
    value = value_of_account(account.spec, account.ledger, parts.market)
    margin = margin_with(parts, account.id, [order, *_others(parts, order)])
    if margin <= value.initial_margin or margin <= value.net_liquidation:
        return None
    return refusals.too_little_equity(value.net_liquidation, margin, account.spec.currency)


def _others(parts: Parts, order: Order) -> list[Order]:
    return [other for other in parts.book.open_in(order.account) if other is not order]
