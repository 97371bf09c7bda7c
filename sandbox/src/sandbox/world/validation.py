"""What the gateway itself refuses, before the brokerage sees an order: no order comes into being."""

from collections.abc import Callable
from dataclasses import replace

from sandbox.world import refusals
from sandbox.world.instruments import SMART
from sandbox.world.orders import OrderRequest
from sandbox.world.parts import Parts
from sandbox.world.refusals import Refusal
from sandbox.world.spec import InstrumentSpec

ORDER_TYPES = frozenset({"MKT", "LMT", "MOC"})
TIFS = frozenset({"", "DAY", "GTC", "IOC"})

_Check = Callable[[Parts, OrderRequest, InstrumentSpec], Refusal | None]


def find_contract(parts: Parts, request: OrderRequest) -> InstrumentSpec | Refusal:
    """The one instrument that the order means."""
    if not request.contract.exchange:
        return refusals.MISSING_EXCHANGE
    found = parts.registry.find(request.contract)
    if not found:
        return refusals.UNKNOWN_CONTRACT
    if len(found) > 1:
        return refusals.AMBIGUOUS_CONTRACT
    if request.contract.exchange != SMART:
        return refusals.direct_route(request.contract.exchange)
    return found[0]


def fill_in(parts: Parts, request: OrderRequest) -> OrderRequest:
    """The request with what the gateway assumes: the only account of the login."""
    only = parts.accounts.ids
    return replace(request, account=only[0]) if len(only) == 1 and not request.account else request


def refusal_of(parts: Parts, request: OrderRequest, instrument: InstrumentSpec) -> Refusal | None:
    """The first reason to refuse the order, or None."""
    for check in _CHECKS:
        refusal = check(parts, request, instrument)
        if refusal:
            return refusal
    return None


def _side(_parts: Parts, request: OrderRequest, _instrument: InstrumentSpec) -> Refusal | None:
    return None if request.side in {"BUY", "SELL"} else refusals.INVALID_SIDE


def _size(_parts: Parts, request: OrderRequest, _instrument: InstrumentSpec) -> Refusal | None:
    if request.quantity <= 0:
        return refusals.ZERO_SIZE
    return refusals.FRACTIONAL if request.quantity % 1 else None


def _kind(_parts: Parts, request: OrderRequest, _instrument: InstrumentSpec) -> Refusal | None:
    return refusals.UNSUPPORTED_TYPE if request.order_type not in ORDER_TYPES or request.conditions else None


def _time_in_force(_parts: Parts, request: OrderRequest, _instrument: InstrumentSpec) -> Refusal | None:
    if request.order_type == "MOC" and request.tif not in {"", "DAY"}:
        return refusals.MOC_NOT_DAY
    return None if request.tif in TIFS else refusals.INVALID_TIF


def _price(_parts: Parts, request: OrderRequest, instrument: InstrumentSpec) -> Refusal | None:
    if request.order_type != "LMT":
        return None
    if not request.limit_price:
        return refusals.MISSING_LIMIT_PRICE
    return refusals.PRICE_OFF_TICK if request.limit_price % instrument.tick_size else None


def _account(parts: Parts, request: OrderRequest, _instrument: InstrumentSpec) -> Refusal | None:
    if not request.account:
        return refusals.MISSING_ACCOUNT
    return None if request.account in parts.accounts else refusals.UNKNOWN_ACCOUNT


_CHECKS: tuple[_Check, ...] = (_account, _side, _size, _kind, _time_in_force, _price)
