"""Which handler answers which request."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from sandbox.gateway.errors import MalformedMessageError
from sandbox.gateway.fields import FieldReader
from sandbox.gateway.message_ids import Request
from sandbox.gateway.requests import accounts, contracts, control, market_data, orders
from sandbox.gateway.requests.executions import executions
from sandbox.gateway.requests.place_order import place_order
from sandbox.gateway.session import NO_REQUEST, Session

_UNREADABLE = 320
_UNKNOWN_MESSAGE = 505

Handler = Callable[[Session, FieldReader], None]

HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        Request.MARKET_DATA: market_data.market_data,
        Request.CANCEL_MARKET_DATA: market_data.cancel_market_data,
        Request.PLACE_ORDER: place_order,
        Request.CANCEL_ORDER: orders.cancel_order,
        Request.OPEN_ORDERS: orders.open_orders,
        Request.ACCOUNT_UPDATES: accounts.account_updates,
        Request.EXECUTIONS: executions,
        Request.IDS: control.ids,
        Request.CONTRACT_DETAILS: contracts.contract_details,
        Request.SERVER_LOG_LEVEL: control.server_log_level,
        Request.AUTO_OPEN_ORDERS: orders.auto_open_orders,
        Request.ALL_OPEN_ORDERS: orders.all_open_orders,
        Request.MANAGED_ACCOUNTS: control.managed_accounts,
        Request.HISTORICAL_DATA: market_data.historical_data,
        Request.CANCEL_HISTORICAL_DATA: market_data.cancel_historical_data,
        Request.CURRENT_TIME: control.current_time,
        Request.GLOBAL_CANCEL: orders.global_cancel,
        Request.MARKET_DATA_TYPE: market_data.market_data_type,
        Request.POSITIONS: accounts.positions,
        Request.ACCOUNT_SUMMARY: accounts.account_summary,
        Request.CANCEL_ACCOUNT_SUMMARY: accounts.cancel_account_summary,
        Request.CANCEL_POSITIONS: accounts.cancel_positions,
        Request.POSITIONS_MULTI: accounts.positions_multi,
        Request.CANCEL_POSITIONS_MULTI: accounts.cancel_positions_multi,
        Request.ACCOUNT_UPDATES_MULTI: accounts.account_updates_multi,
        Request.CANCEL_ACCOUNT_UPDATES_MULTI: accounts.cancel_account_updates_multi,
        Request.MATCHING_SYMBOLS: contracts.matching_symbols,
        Request.MARKET_RULE: contracts.market_rule,
        Request.COMPLETED_ORDERS: orders.completed_orders,
    },
)


def dispatch(session: Session, fields: Sequence[str]) -> None:
    """Answer one message. What cannot be read or is not known is answered with an error, never with a crash."""
    reader = FieldReader(fields)
    try:
        number = reader.integer()
        handler = HANDLERS.get(number)
        _journal(session, number)
        if handler is None:
            session.error(NO_REQUEST, _UNKNOWN_MESSAGE, f"Fatal Error: Unknown message id. ({number})")
        else:
            handler(session, reader)
    except MalformedMessageError as error:
        session.error(NO_REQUEST, _UNREADABLE, f"Error reading request. {error}")


def _journal(session: Session, number: int) -> None:
    name = Request(number).name if number in HANDLERS else str(number)
    session.world.journal.record("request", client_id=session.client_id, message=name)
