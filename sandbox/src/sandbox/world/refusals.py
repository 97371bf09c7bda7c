"""The brokerage's refusals: code, words, and what becomes of the order."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is not taken. Without `status` no order comes into being; with one it ends in that state."""

    code: int
    text: str
    status: Literal["Inactive", "Cancelled"] | None = None


READ_ONLY = Refusal(321, "Error validating request.-'bS' : cause - The API interface is currently in Read-Only mode.")
MISSING_EXCHANGE = Refusal(321, "Error validating request.-'bO' : cause - Missing order exchange")
INVALID_SIDE = Refusal(321, "Error validating request.-'bO' : cause - Invalid side.")
MISSING_LIMIT_PRICE = Refusal(321, "Error validating request.-'bO' : cause - The limit price must be set.")
UNKNOWN_CONTRACT = Refusal(200, "No security definition has been found for the request")
AMBIGUOUS_CONTRACT = Refusal(
    200,
    "The contract description specified is ambiguous; you must specify the multiplier or trading class.",
)
DUPLICATE_ORDER_ID = Refusal(103, "Duplicate order id")
MODIFICATION_DIFFERS = Refusal(105, "Order being modified does not match original order.")
PRICE_OFF_TICK = Refusal(
    110,
    "The price does not conform to the minimum price variation for this contract.",
)
INVALID_TIF = Refusal(111, "The TIF (Tif type) and the order type are incompatible.")
MOC_NOT_DAY = Refusal(113, "The Time-in-Force for MOC orders must be DAY.")
UNSUPPORTED_TYPE = Refusal(387, "Unsupported order type for this exchange and security type.")
ZERO_SIZE = Refusal(434, "The order size cannot be zero.")
MISSING_ACCOUNT = Refusal(435, "You must specify an account.")
UNKNOWN_ACCOUNT = Refusal(436, "You must specify an allocation.")
FRACTIONAL = Refusal(10243, "Fractional-sized order cannot be placed via API. Please refer to TWS or mobile app.")
HALTED = Refusal(154, "Order cannot be transmitted for a halted security.", "Cancelled")
PAST_MOC_CUTOFF = Refusal(
    201, "Order rejected - reason:The order was received after the cut-off for MOC orders.", "Inactive"
)
NO_SHORT_SALE = Refusal(
    201,
    "Order rejected - reason:The account does not hold enough shares, and a cash account may not sell short.",
    "Inactive",
)


def direct_route(exchange: str) -> Refusal:
    """The order names an exchange instead of SMART, which the gateway's precautions hold back."""
    return Refusal(
        10311,
        f"This order will be directly routed to {exchange}. Direct routed orders may result in higher trade fees. "
        "Restriction is specified in Precautionary Settings of Global Configuration/API.",
    )


def too_little_cash(needed: Decimal, available: Decimal, currency: str) -> Refusal:
    """A cash account cannot pay for the order."""
    return Refusal(
        201,
        "Order rejected - reason:Your account has insufficient cash to pay for this order. "
        f"Needed: {needed:.2f} {currency}, available: {available:.2f} {currency}.",
        "Inactive",
    )


def too_little_equity(equity: Decimal, margin: Decimal, currency: str) -> Refusal:
    """A margin account's equity does not cover the margin of the position that the order leads to."""
    return Refusal(
        201,
        "Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR EQUITY WITH "
        f"LOAN VALUE [{equity:.2f} {currency}] MUST EXCEED THE INITIAL MARGIN [{margin:.2f} {currency}]",
        "Inactive",
    )
