"""The executions of the day, filtered."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox.gateway.errors import MalformedMessageError
from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import executions as messages
from sandbox.gateway.messages.executions import GATEWAY_ZONE
from sandbox.gateway.session import Session
from sandbox.world.executions import Execution

_SIDES = {"BOT": "BUY", "SLD": "SELL"}


def executions(session: Session, fields: FieldReader) -> None:
    """Executions of all clients that pass the filter, with their commissions."""
    fields.skip(1)
    request_id = fields.integer()
    wanted = _read_filter(fields)
    for execution in session.parts.executions.recent():
        if wanted.accepts(execution):
            session.send(messages.execution_details(request_id, execution, session.version))
            session.send(messages.commission_report(execution))
    session.send(messages.executions_end(request_id))


@dataclass(frozen=True, slots=True)
class _Filter:
    """What to leave out; what is empty, 0 or None leaves out nothing."""

    client_id: int
    account: str
    since: datetime | None
    symbol: str
    sec_type: str
    exchange: str
    side: str

    def accepts(self, execution: Execution) -> bool:
        order, spec = execution.order, execution.instrument
        pairs = (
            (self.client_id, order.client_id),
            (self.account, order.account),
            (self.symbol, spec.symbol),
            (self.sec_type, spec.sec_type),
            (self.exchange, spec.primary_exchange),
            (self.side, execution.side),
        )
        is_recent = self.since is None or execution.at >= self.since
        return is_recent and all(not asked or asked == actual for asked, actual in pairs)


def _read_filter(fields: FieldReader) -> _Filter:
    client_id, account, since = fields.integer(), fields.text(), fields.text()
    symbol, sec_type, exchange, side = (fields.text() for _ in range(4))
    return _Filter(
        client_id=client_id,
        account=account,
        since=_moment(since) if since else None,
        symbol=symbol,
        sec_type=sec_type,
        exchange=exchange,
        side=_SIDES.get(side.upper(), side.upper()),
    )


def _moment(text: str) -> datetime:
    """A time as clients write it: with a dash it is UTC, else of the zone named at its end, or of the gateway's."""
    try:
        if "-" in text:
            return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
        day, clock, *zone = text.split()
        local = ZoneInfo(zone[0] if zone else GATEWAY_ZONE)
        return datetime.strptime(f"{day} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=local)
    except (ValueError, KeyError) as error:
        raise MalformedMessageError(f"not a time: {text!r}") from error
