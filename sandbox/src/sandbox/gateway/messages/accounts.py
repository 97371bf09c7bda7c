"""Account values, positions, portfolio."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.gateway.fields import Value
from sandbox.gateway.message_ids import Answer
from sandbox.gateway.messages.contracts import contract_fields, local_symbol, multiplier, trading_class
from sandbox.world.ledger import Holding
from sandbox.world.valuation import HoldingValue


@dataclass(frozen=True, slots=True)
class Figure:
    """One account value: tag, value and currency, all text."""

    tag: str
    value: str
    currency: str = ""


def account_value(account: str, figure: Figure) -> list[Value]:
    return [Answer.ACCOUNT_VALUE, 2, figure.tag, figure.value, figure.currency, account]


def account_update_multi(request_id: int, account: str, figure: Figure) -> list[Value]:
    return [Answer.ACCOUNT_UPDATE_MULTI, 1, request_id, account, "", figure.tag, figure.value, figure.currency]


def account_update_multi_end(request_id: int) -> list[Value]:
    return [Answer.ACCOUNT_UPDATE_MULTI_END, 1, request_id]


def account_time(now: datetime) -> list[Value]:
    return [Answer.ACCOUNT_TIME, 1, f"{now:%H:%M}"]


def account_download_end(account: str) -> list[Value]:
    return [Answer.ACCOUNT_DOWNLOAD_END, 1, account]


def account_summary(request_id: int, account: str, figures: Iterable[Figure]) -> list[list[Value]]:
    return [[Answer.ACCOUNT_SUMMARY, 1, request_id, account, f.tag, f.value, f.currency] for f in figures]


def account_summary_end(request_id: int) -> list[Value]:
    return [Answer.ACCOUNT_SUMMARY_END, 1, request_id]


def position(account: str, holding: Holding) -> list[Value]:
    """A position of an account; its contract carries the listing exchange."""
    spec = holding.instrument
    contract = contract_fields(spec, spec.primary_exchange)
    return [Answer.POSITION, 3, account, *contract, holding.quantity, _cost(holding)]


def position_end() -> list[Value]:
    return [Answer.POSITION_END, 1]


def position_multi(request_id: int, account: str, holding: Holding) -> list[Value]:
    spec = holding.instrument
    contract = contract_fields(spec, spec.primary_exchange)
    return [Answer.POSITION_MULTI, 1, request_id, account, *contract, holding.quantity, _cost(holding), ""]


def position_multi_end(request_id: int) -> list[Value]:
    return [Answer.POSITION_MULTI_END, 1, request_id]


def portfolio_value(account: str, value: HoldingValue) -> list[Value]:
    """A position with what it is worth; its contract has a listing exchange but no exchange to trade on."""
    spec = value.holding.instrument
    return [
        Answer.PORTFOLIO_VALUE,
        8,
        spec.con_id,
        spec.symbol,
        spec.sec_type,
        spec.expiry,
        spec.strike,
        spec.right,
        multiplier(spec),
        spec.primary_exchange,
        spec.currency,
        local_symbol(spec),
        trading_class(spec),
        value.holding.quantity,
        value.price,
        round(value.value, 2),
        _cost(value.holding),
        round(value.unrealized, 2),
        round(value.holding.realized, 2),
        account,
    ]


def _cost(holding: Holding) -> Decimal:
    return round(holding.avg_cost, 8) if holding.quantity else Decimal(0)
