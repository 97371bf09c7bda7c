"""What a paper brokerage can be told to do wrong, one value a kind."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from broker_connector_base.models import Side


@dataclass(frozen=True, slots=True)
class RejectOrder:
    """Refuse the order with these words."""

    words: str


@dataclass(frozen=True, slots=True)
class FillPartly:
    """Execute so many shares; the rest stays open until it is cancelled."""

    quantity: Decimal


@dataclass(frozen=True, slots=True)
class LeaveOpen:
    """Accept the order and never execute it."""


@dataclass(frozen=True, slots=True)
class IgnoreCancellation:
    """Accept the order, never execute it, and never answer a request to cancel it."""


@dataclass(frozen=True, slots=True)
class FillOnCancellation:
    """Accept the order and execute all of it when somebody tries to cancel it."""


Behaviour = RejectOrder | FillPartly | LeaveOpen | IgnoreCancellation | FillOnCancellation


@dataclass(frozen=True, slots=True)
class OrderScript:
    """A behaviour for the next order that fits; None fits everything."""

    behaviour: Behaviour
    symbol: str | None = None
    side: Side | None = None

    def fits(self, symbol: str, side: Side) -> bool:
        """True when the order is meant."""
        return self.symbol in (None, symbol) and self.side in (None, side)


@dataclass(frozen=True, slots=True)
class ConnectionScript:
    """Break the connection at the next call of this name: before it has an effect, or after, losing its answer."""

    call: str
    moment: Literal["before", "after"]


class Scripts:
    """Behaviours that are still to happen; each happens once, in the order in which they were added."""

    def __init__(self) -> None:
        self._orders: list[OrderScript] = []
        self._connections: list[ConnectionScript] = []

    def add(self, script: OrderScript | ConnectionScript) -> None:
        """Let something happen once."""
        match script:
            case OrderScript():
                self._orders.append(script)
            case ConnectionScript():
                self._connections.append(script)

    def refusal(self, symbol: str, side: Side) -> str:
        """The words with which the next such order is going to be refused, empty when it is not; still to happen."""
        found = self._next_for(symbol, side)
        return found.behaviour.words if found and isinstance(found.behaviour, RejectOrder) else ""

    def take_behaviour(self, symbol: str, side: Side) -> Behaviour | None:
        """The behaviour of an order that is being placed, used up by asking."""
        found = self._next_for(symbol, side)
        if found is None:
            return None
        self._orders.remove(found)
        return found.behaviour

    def take_break(self, script: ConnectionScript) -> bool:
        """True once when the connection is to break here."""
        if script not in self._connections:
            return False
        self._connections.remove(script)
        return True

    def _next_for(self, symbol: str, side: Side) -> OrderScript | None:
        return next((script for script in self._orders if script.fits(symbol, side)), None)
