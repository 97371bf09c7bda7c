"""Contracts: what exists, and how a client's description finds it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sandbox.world.errors import UnknownInstrumentError
from sandbox.world.spec import InstrumentSpec

SMART = "SMART"
"""The brokerage's own routing, valid for everything that the sandbox trades."""


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """A contract as a client describes it; empty means not said."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: Decimal = Decimal(0)
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""


class Registry:
    """All instruments of the world, by contract id and by description."""

    def __init__(self, instruments: Iterable[InstrumentSpec]) -> None:
        self._by_id = {spec.con_id: spec for spec in instruments}

    @property
    def all(self) -> tuple[InstrumentSpec, ...]:
        return tuple(self._by_id.values())

    def by_id(self, con_id: int) -> InstrumentSpec:
        """The instrument of a contract id that this world itself handed out."""
        return self._by_id[con_id]

    def find(self, query: ContractQuery) -> list[InstrumentSpec]:
        """Every instrument that fits: by id alone when the query has one, else by all that it says."""
        if query.con_id:
            found = self._by_id.get(query.con_id)
            return [found] if found else []
        return [spec for spec in self._by_id.values() if _fits(query, spec)]

    def named(self, symbol: str, con_id: int | None = None) -> InstrumentSpec:
        """The one instrument that an operator means; a stock is preferred to its derivatives.

        Raises:
            UnknownInstrumentError: none or several fit.
        """
        found = [spec for spec in self._by_id.values() if spec.symbol == symbol and con_id in (None, spec.con_id)]
        stocks = [spec for spec in found if spec.sec_type == "STK"]
        chosen = stocks or found
        if len(chosen) != 1:
            raise UnknownInstrumentError(symbol, len(chosen))
        return chosen[0]


def _fits(query: ContractQuery, spec: InstrumentSpec) -> bool:
    pairs = (
        (query.sec_type, spec.sec_type),
        (query.currency, spec.currency),
        (query.expiry, spec.expiry),
        (query.right[:1], spec.right[:1]),
        (query.local_symbol, spec.local_symbol or spec.symbol),
        (query.primary_exchange, spec.primary_exchange),
    )
    named = query.symbol == spec.symbol or (not query.symbol and bool(query.local_symbol))
    routed = query.exchange in ("", SMART, spec.primary_exchange)
    struck = query.strike in (Decimal(0), spec.strike)
    return named and routed and struck and all(not asked or asked == known for asked, known in pairs)
