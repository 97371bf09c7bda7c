"""The faults in force, and which order meets which."""

import itertools
from dataclasses import dataclass
from typing import TypeVar, cast

from sandbox.world.fault_spec import Fault
from sandbox.world.journal import Journal
from sandbox.world.orders import Order

F = TypeVar("F")


@dataclass(slots=True)
class _InForce:
    number: int
    fault: Fault
    left: int | None


class FaultBoard:
    """An order meets at most one fault of each kind, the first in force that names it, and keeps it for life."""

    def __init__(self, faults: tuple[Fault, ...], journal: Journal) -> None:
        self._numbers = itertools.count(1)
        self._journal = journal
        self._in_force: list[_InForce] = []
        for fault in faults:
            self.add(fault)

    @property
    def in_force(self) -> dict[int, Fault]:
        return {entry.number: entry.fault for entry in self._in_force}

    def add(self, fault: Fault) -> int:
        """Put a fault in force and return its number."""
        number = next(self._numbers)
        self._in_force.append(_InForce(number, fault, fault.times))
        return number

    def clear(self, number: int | None = None) -> None:
        """Lift one fault, or all. Orders that have met one keep it."""
        self._in_force = [entry for entry in self._in_force if number not in (None, entry.number)]

    def met_by(self, order: Order, kind: type[F]) -> F | None:
        """The fault of this kind that the order meets, if any."""
        if kind not in order.claimed:
            entry = next((entry for entry in self._in_force if _meets(entry, order, kind)), None)
            if entry is None:
                return None
            self._claim(entry, order, kind)
        return cast("F", order.claimed[kind])

    def _claim(self, entry: _InForce, order: Order, kind: type[object]) -> None:
        order.claimed[kind] = entry.fault
        if entry.left is not None:
            entry.left -= 1
        self._journal.record(
            "fault_applied",
            client_id=order.client_id,
            order_id=order.order_id,
            account=order.account,
            symbol=order.instrument.symbol,
            order_ref=order.request.order_ref,
            fault=entry.fault.kind,
            number=entry.number,
        )


def _meets(entry: _InForce, order: Order, kind: type[object]) -> bool:
    fault = entry.fault
    return (
        isinstance(fault, kind)
        and entry.left != 0
        and fault.symbol in (None, order.instrument.symbol)
        and fault.account in (None, order.account)
        and fault.side in (None, order.side)
        and fault.client_id in (None, order.client_id)
    )
