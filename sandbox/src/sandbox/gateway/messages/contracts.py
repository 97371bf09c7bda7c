"""Contracts: as they stand inside other messages, and in full."""

from datetime import datetime
from decimal import Decimal

from sandbox.gateway.fields import Value
from sandbox.gateway.layout import Field, render
from sandbox.gateway.message_ids import Answer
from sandbox.world.hours import Calendar
from sandbox.world.instruments import SMART
from sandbox.world.spec import InstrumentSpec

ORDER_TYPES = "ACTIVETIM,DAY,GTC,IOC,LMT,LOC,MKT,MOC,WHATIF"
MARKET_RULE_ID = 26

_SINCE_SIZES = 164
_SINCE_ISSUERS = 176

_DETAILS = (
    Field("message", Answer.CONTRACT_DETAILS),
    Field("version", 8, until=_SINCE_SIZES - 1),
    Field("request_id"),
    Field("symbol"),
    Field("sec_type"),
    Field("expiry"),
    Field("strike"),
    Field("right"),
    Field("exchange"),
    Field("currency"),
    Field("local_symbol"),
    Field("market_name"),
    Field("trading_class"),
    Field("con_id"),
    Field("min_tick"),
    Field("size_multiplier", 1, until=_SINCE_SIZES - 1),
    Field("multiplier"),
    Field("order_types", ORDER_TYPES),
    Field("valid_exchanges"),
    Field("price_magnifier", 1),
    Field("under_con_id", 0),
    Field("long_name"),
    Field("primary_exchange"),
    Field("contract_month"),
    Field("industry"),
    Field("category"),
    Field("subcategory"),
    Field("time_zone"),
    Field("trading_hours"),
    Field("liquid_hours"),
    Field("ev_rule"),
    Field("ev_multiplier", 0),
    Field("security_ids", 0),
    Field("aggregated_group", 1),
    Field("under_symbol"),
    Field("under_sec_type"),
    Field("market_rules"),
    Field("real_expiry"),
    Field("stock_type"),
    Field("min_size", 1, since=_SINCE_SIZES),
    Field("size_increment", 1, since=_SINCE_SIZES),
    Field("suggested_size_increment", 100, since=_SINCE_SIZES - 1),
)


def local_symbol(spec: InstrumentSpec) -> str:
    return spec.local_symbol or spec.symbol


def trading_class(spec: InstrumentSpec) -> str:
    return spec.trading_class or spec.symbol


def multiplier(spec: InstrumentSpec) -> str:
    """Stocks have none."""
    return "" if spec.sec_type == "STK" else str(spec.multiplier)


def contract_fields(spec: InstrumentSpec, exchange: str, *, right: str = "") -> list[Value]:
    """The eleven fields that most messages use; `right` stands in where the contract has none."""
    return [
        spec.con_id,
        spec.symbol,
        spec.sec_type,
        spec.expiry,
        spec.strike,
        spec.right or right,
        multiplier(spec),
        exchange,
        spec.currency,
        local_symbol(spec),
        trading_class(spec),
    ]


def contract_details(
    request_id: int,
    spec: InstrumentSpec,
    calendar: Calendar,
    now: datetime,
    version: int,
) -> list[Value]:
    """Everything about a contract; its hours are those of the days ahead."""
    values: dict[str, Value] = {
        "request_id": request_id,
        "symbol": spec.symbol,
        "sec_type": spec.sec_type,
        "expiry": spec.expiry,
        "strike": spec.strike,
        "right": spec.right,
        "exchange": SMART,
        "currency": spec.currency,
        "local_symbol": local_symbol(spec),
        "market_name": trading_class(spec),
        "trading_class": trading_class(spec),
        "con_id": spec.con_id,
        "min_tick": spec.tick_size,
        "multiplier": multiplier(spec),
        "valid_exchanges": f"{SMART},{spec.primary_exchange}",
        "long_name": spec.long_name or spec.symbol,
        "primary_exchange": spec.primary_exchange,
        "contract_month": spec.expiry[:6],
        "time_zone": calendar.spec.time_zone,
        "trading_hours": calendar.text(now, extended=True),
        "liquid_hours": calendar.text(now, extended=False),
        "market_rules": f"{MARKET_RULE_ID},{MARKET_RULE_ID}",
        "real_expiry": spec.expiry,
        "stock_type": spec.stock_type if spec.sec_type == "STK" else "",
    }
    return render(_DETAILS, values, version)


def contract_details_end(request_id: int) -> list[Value]:
    return [Answer.CONTRACT_DETAILS_END, 1, request_id]


def symbol_samples(request_id: int, specs: list[InstrumentSpec], version: int) -> list[Value]:
    """Contracts whose symbol begins as asked."""
    fields: list[Value] = [Answer.SYMBOL_SAMPLES, request_id, len(specs)]
    for spec in specs:
        fields += [spec.con_id, spec.symbol, spec.sec_type, spec.primary_exchange, spec.currency, 0]
        fields += [spec.long_name, ""] if version >= _SINCE_ISSUERS else []
    return fields


def market_rule(rule_id: int, tick: Decimal) -> list[Value]:
    """The price steps of a market: here one step at all prices."""
    return [Answer.MARKET_RULE, rule_id, 1, 0, tick]
