"""Prices and the state of each market, which the operator may change at any time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from sandbox.world.spec import InstrumentSpec

_BASIS_POINT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class MarketState:
    """What can change about one market. `price` is the middle of the quote and the last trade."""

    price: Decimal
    spread: Decimal
    halted: bool
    no_quote: bool
    delayed_only: bool
    close_only: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """What can be seen of a market at one moment; None where there is nothing."""

    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    close: Decimal | None


class Market:
    """The markets of all instruments, and the exchange rates. Jitter is drawn from the seed, one draw a quote."""

    def __init__(self, instruments: tuple[InstrumentSpec, ...], fx: Mapping[str, Decimal], seed: int) -> None:
        self._state = {spec.con_id: _initial(spec) for spec in instruments}
        self._dollars = {"USD": Decimal(1), **fx}
        self._random = random.Random(seed)  # noqa: S311 - repeatable prices, not secrets

    def state(self, con_id: int) -> MarketState:
        return self._state[con_id]

    def price(self, con_id: int) -> Decimal:
        """The undisturbed price, which values positions."""
        return self._state[con_id].price

    def change(
        self,
        con_id: int,
        *,
        price: Decimal | None = None,
        spread: Decimal | None = None,
        flags: Mapping[str, bool] | None = None,
    ) -> None:
        """Replace what is given. `flags` are named as in `MarketState`."""
        state = replace(self._state[con_id], **(flags or {}))
        state = state if price is None else replace(state, price=price)
        self._state[con_id] = state if spread is None else replace(state, spread=spread)

    def rate(self, currency: str, base: str) -> Decimal:
        """Units of `base` for one unit of `currency`."""
        return self._dollars[currency] / self._dollars[base]

    def quote(self, spec: InstrumentSpec) -> Quote:
        """The quote of this moment. Bids are rounded down and asks up to the tick."""
        state = self._state[spec.con_id]
        close = spec.close or spec.price
        if state.no_quote:
            return Quote(bid=None, ask=None, last=None, close=None)
        if state.close_only:
            return Quote(bid=None, ask=None, last=None, close=close)
        middle = self._disturbed(state.price, spec.jitter_bps)
        half = state.spread / 2
        return Quote(
            bid=_to_tick(middle - half, spec.tick_size, ROUND_FLOOR),
            ask=_to_tick(middle + half, spec.tick_size, ROUND_CEILING),
            last=_to_tick(middle, spec.tick_size, ROUND_HALF_EVEN),
            close=close,
        )

    def _disturbed(self, price: Decimal, jitter_bps: Decimal) -> Decimal:
        if not jitter_bps:
            return price
        return price * (1 + jitter_bps * _BASIS_POINT * Decimal(str(self._random.uniform(-1, 1))))


def _initial(spec: InstrumentSpec) -> MarketState:
    return MarketState(
        price=spec.price,
        spread=spec.spread,
        halted=spec.halted,
        no_quote=spec.no_quote,
        delayed_only=spec.delayed_only,
        close_only=spec.close_only,
    )


def _to_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    return (price / tick).to_integral_value(rounding) * tick
