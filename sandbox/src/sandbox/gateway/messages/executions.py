"""Executions, commissions, and the time as executions write it."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sandbox.gateway.fields import UNSET, Value
from sandbox.gateway.layout import Field, render
from sandbox.gateway.message_ids import Answer
from sandbox.gateway.messages.contracts import contract_fields
from sandbox.world.executions import Execution

GATEWAY_ZONE = "US/Eastern"

_LAYOUT = (
    Field("exec_id"),
    Field("time"),
    Field("account"),
    Field("exchange"),
    Field("side"),
    Field("shares"),
    Field("price"),
    Field("perm_id"),
    Field("client_id"),
    Field("liquidation", 0),
    Field("cumulative"),
    Field("avg_price"),
    Field("order_ref"),
    Field("ev_rule"),
    Field("ev_multiplier"),
    Field("model_code"),
    Field("last_liquidity", 2),
    Field("pending_price_revision", default=False, since=178),
)


def gateway_time(moment: datetime) -> str:
    """A time with the gateway's own zone, `20261120 12:00:00 US/Eastern`."""
    return f"{moment.astimezone(ZoneInfo(GATEWAY_ZONE)):%Y%m%d %H:%M:%S} {GATEWAY_ZONE}"


def execution_details(request_id: int, execution: Execution, version: int) -> list[Value]:
    """An execution, as an answer to a request or, with request id -1, as it happens."""
    order, spec = execution.order, execution.instrument
    values: dict[str, Value] = {
        "exec_id": execution.exec_id,
        "time": gateway_time(execution.at),
        "account": order.account,
        "exchange": spec.primary_exchange,
        "side": "BOT" if execution.side == "BUY" else "SLD",
        "shares": execution.quantity,
        "price": execution.price,
        "perm_id": order.perm_id,
        "client_id": order.client_id,
        "cumulative": execution.cumulative,
        "avg_price": round(execution.avg_price, 8),
        "order_ref": order.request.order_ref,
    }
    head: list[Value] = [Answer.EXECUTION, request_id, order.order_id]
    return [*head, *contract_fields(spec, spec.primary_exchange), *render(_LAYOUT, values, version)]


def executions_end(request_id: int) -> list[Value]:
    return [Answer.EXECUTIONS_END, 1, request_id]


def commission_report(execution: Execution) -> list[Value]:
    """What an execution cost, and the result that it realized if it closed anything."""
    realized: Decimal | str = UNSET if execution.realized is None else round(execution.realized, 4)
    fee = execution.commission
    return [Answer.COMMISSION_REPORT, 1, execution.exec_id, fee, execution.instrument.currency, realized, UNSET, ""]
