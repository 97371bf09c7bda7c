"""Quotes, once or as they change, live or delayed; daily bars."""

import re

from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import market_data as messages
from sandbox.gateway.session import LIVE_DATA, Session
from sandbox.world.history import daily_bars
from sandbox.world.instruments import ContractQuery
from sandbox.world.market import Quote
from sandbox.world.refusals import AMBIGUOUS_CONTRACT, UNKNOWN_CONTRACT
from sandbox.world.spec import InstrumentSpec

FROZEN_DATA, DELAYED_DATA, DELAYED_FROZEN_DATA = 2, 3, 4

_NOT_SUBSCRIBED = 354
_HISTORY_FAILED = 162
_DELAYED_SHOWN = 10167
_TOO_MANY_TICKERS = 101
_MOST_TICKERS = 100
_DURATION = re.compile(r"(\d+) ([SDWMY])")
_WEEKDAYS = {"S": 1, "D": 1, "W": 5, "M": 21, "Y": 252}
_MOST_BARS = 2520
_DATES_AS_SECONDS = 2


def market_data_type(session: Session, fields: FieldReader) -> None:
    """From now on live, frozen, delayed or delayed-frozen data."""
    fields.skip(1)
    session.subscriptions.market_data_type = fields.integer()


def market_data(session: Session, fields: FieldReader) -> None:
    """One quote, or a quote and all its changes."""
    fields.skip(1)
    request_id, query = fields.integer(), fields.contract()
    fields.skip(3 if fields.flag() else 0)
    fields.skip(1)
    is_snapshot = fields.flag()
    spec = _one_contract(session, request_id, query)
    if spec is None or not _may_see(session, request_id, spec):
        return
    if not is_snapshot and len(session.subscriptions.tickers) >= _MOST_TICKERS:
        session.error(request_id, _TOO_MANY_TICKERS, "Max number of tickers has been reached.")
        return
    session.send(messages.tick_parameters(request_id, spec.tick_size))
    send_quote(session, request_id, spec)
    if is_snapshot:
        _end_snapshot(session, request_id, spec)
    else:
        session.subscriptions.tickers[request_id] = spec


def cancel_market_data(session: Session, fields: FieldReader) -> None:
    """No more changes, please."""
    fields.skip(1)
    session.subscriptions.tickers.pop(fields.integer(), None)


def send_quote(session: Session, request_id: int, spec: InstrumentSpec) -> None:
    """The type of the data that follows, the ticks of this moment, and whether trading is halted."""
    state = session.parts.market.state(spec.con_id)
    data_type = _type_shown(session, spec)
    quote = session.parts.market.quote(spec)
    if not session.parts.calendar(spec).is_open(session.parts.now()) and data_type in {LIVE_DATA, DELAYED_DATA}:
        quote = Quote(bid=None, ask=None, last=quote.last, close=quote.close)
    session.send(messages.market_data_type(request_id, data_type))
    is_delayed = data_type in {DELAYED_DATA, DELAYED_FROZEN_DATA}
    session.send_all(messages.quote_ticks(request_id, quote, delayed=is_delayed))
    session.send(messages.tick_generic(request_id, messages.HALTED, int(state.halted)))


def historical_data(session: Session, fields: FieldReader) -> None:
    """Daily bars up to today; bars of other sizes are refused."""
    request_id, query = fields.integer(), fields.contract()
    fields.skip(2)
    bar_size, duration = fields.text(), fields.text()
    fields.skip(2)
    date_format = fields.integer()
    spec = _one_contract(session, request_id, query)
    if spec is None:
        return
    match = _DURATION.fullmatch(duration)
    if match is None or bar_size != "1 day":
        text = f"Historical Market Data Service error message:No data of {bar_size!r} bars for {duration!r}"
        session.error(request_id, _HISTORY_FAILED, text)
        return
    count = max(1, min(int(match[1]) * _WEEKDAYS[match[2]], _MOST_BARS))
    today = session.parts.calendar(spec).local(session.parts.now()).date()
    bars = daily_bars(spec, today, count, session.parts.spec.seed)
    session.send(messages.historical_data(request_id, bars, as_seconds=date_format == _DATES_AS_SECONDS))


def cancel_historical_data(_session: Session, _fields: FieldReader) -> None:
    """Bars are sent all at once, so there is nothing left to cancel."""


def _end_snapshot(session: Session, request_id: int, spec: InstrumentSpec) -> None:
    state = session.parts.market.state(spec.con_id)
    wait_ms = session.parts.switches.latency.empty_snapshot_ms if state.no_quote else 0
    session.parts.timers.after(wait_ms, lambda: session.send(messages.snapshot_end(request_id)))


def _one_contract(session: Session, request_id: int, query: ContractQuery) -> InstrumentSpec | None:
    found = session.parts.registry.find(query)
    if len(found) == 1:
        return found[0]
    refusal = AMBIGUOUS_CONTRACT if found else UNKNOWN_CONTRACT
    session.error(request_id, refusal.code, refusal.text)
    return None


def _may_see(session: Session, request_id: int, spec: InstrumentSpec) -> bool:
    if not session.parts.market.state(spec.con_id).delayed_only:
        return True
    if session.subscriptions.market_data_type in {DELAYED_DATA, DELAYED_FROZEN_DATA}:
        text = "Requested market data is not subscribed. Displaying delayed market data."
        session.error(request_id, _DELAYED_SHOWN, text)
        return True
    text = "Requested market data is not subscribed. Delayed market data is available."
    session.error(request_id, _NOT_SUBSCRIBED, f"{text}{spec.symbol} {spec.primary_exchange}/TOP/ALL")
    return False


def _type_shown(session: Session, spec: InstrumentSpec) -> int:
    asked = session.subscriptions.market_data_type
    is_open = session.parts.calendar(spec).is_open(session.parts.now())
    if session.parts.market.state(spec.con_id).delayed_only:
        return DELAYED_FROZEN_DATA if asked == DELAYED_FROZEN_DATA and not is_open else DELAYED_DATA
    return FROZEN_DATA if asked in {FROZEN_DATA, DELAYED_FROZEN_DATA} and not is_open else LIVE_DATA
