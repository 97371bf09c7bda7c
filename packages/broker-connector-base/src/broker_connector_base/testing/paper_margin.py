"""What a paper brokerage accepts from an account, and what an order would do to its margin.

The model is the simplest that tells loans from savings: a margin account needs equity of half of what it holds to
open a position and of a quarter to keep it, a cash account of all of it and may neither borrow nor sell short.
"""

from collections.abc import Mapping
from decimal import Decimal

from broker_connector_base.models import MarginEffect, OrderRequest, Side
from broker_connector_base.testing.paper_ledger import PaperLedger

INITIAL_RATE = Decimal("0.5")
MAINTENANCE_RATE = Decimal("0.25")
_ZERO = Decimal(0)


def margin_effect(
    ledger: PaperLedger, request: OrderRequest, prices: Mapping[str, Decimal], commission: Decimal
) -> MarginEffect:
    """The account after the order at these prices, in US dollars."""
    shares = {held.symbol: held.quantity for held in ledger.positions if held.is_tradeable}
    shares[request.symbol] = shares.get(request.symbol, _ZERO) + request.side.sign * request.quantity
    exposure = sum((abs(quantity) * prices.get(symbol, _ZERO) for symbol, quantity in shares.items()), _ZERO)
    is_cash_account = ledger.spec.is_cash_account
    return MarginEffect(
        initial_margin_after=exposure * (1 if is_cash_account else INITIAL_RATE),
        maintenance_margin_after=exposure * (1 if is_cash_account else MAINTENANCE_RATE),
        equity_with_loan_after=ledger.net_liquidation(prices) - commission,
        commission=commission,
    )


def refusal(ledger: PaperLedger, request: OrderRequest, remaining: Decimal, prices: Mapping[str, Decimal]) -> str:
    """The words with which an order beyond the account's means is refused, empty when it is within them.

    Only cash accounts are held to their means when an order arrives; what a margin account may not do is found out
    by asking for the order's margin effect.
    """
    if not ledger.spec.is_cash_account:
        return ""
    if request.side is Side.SELL:
        held = ledger.shares(request.symbol)
        return "" if remaining <= held else f"Order rejected: {held} {request.symbol} held, no short sales"
    cost = remaining * (prices.get(request.symbol) or request.limit_price or _ZERO)
    return "" if cost <= ledger.cash else f"Order rejected: {cost} USD needed, {ledger.cash} USD available"


def margin_refusal(effect: MarginEffect, request: OrderRequest, held: Decimal) -> str:
    """The words with which an order without enough equity behind it is refused; one that lowers the risk never is."""
    is_opening = held * request.side.sign >= 0 or request.quantity > abs(held)
    if not is_opening or effect.equity_with_loan_after >= effect.initial_margin_after:
        return ""
    return (
        f"Order rejected: equity with loan value {effect.equity_with_loan_after} USD is below "
        f"initial margin {effect.initial_margin_after} USD"
    )
