"""Contract details, symbol search, price steps."""

from decimal import Decimal

from sandbox.gateway.fields import FieldReader
from sandbox.gateway.messages import contracts as messages
from sandbox.gateway.session import Session
from sandbox.world.refusals import UNKNOWN_CONTRACT

_MOST_SAMPLES = 16
_SMALLEST_TICK = Decimal("0.01")


def contract_details(session: Session, fields: FieldReader) -> None:
    """Every contract that fits the description."""
    fields.skip(1)
    request_id, query = fields.integer(), fields.contract()
    found = session.parts.registry.find(query)
    if not found:
        session.error(request_id, UNKNOWN_CONTRACT.code, UNKNOWN_CONTRACT.text)
        return
    now = session.parts.now()
    for spec in found:
        calendar = session.parts.calendar(spec)
        session.send(messages.contract_details(request_id, spec, calendar, now, session.version))
    session.send(messages.contract_details_end(request_id))


def matching_symbols(session: Session, fields: FieldReader) -> None:
    """Contracts whose symbol begins with the pattern."""
    request_id, pattern = fields.integer(), fields.text().upper()
    found = [spec for spec in session.world.instruments if spec.symbol.startswith(pattern)]
    session.send(messages.symbol_samples(request_id, found[:_MOST_SAMPLES], session.version))


def market_rule(session: Session, fields: FieldReader) -> None:
    """The price steps of a market rule."""
    session.send(messages.market_rule(fields.integer(), _SMALLEST_TICK))
