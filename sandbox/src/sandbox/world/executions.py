"""Executions of the day, kept for whoever asks later."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sandbox.world.fault_spec import Side
from sandbox.world.orders import Order
from sandbox.world.spec import InstrumentSpec
from sandbox.world.state import FillState


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution as the brokerage reports it. The digits after the last dot of `exec_id` are its revision."""

    exec_id: str
    order: Order
    at: datetime
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    avg_price: Decimal
    commission: Decimal
    realized: Decimal | None

    @property
    def instrument(self) -> InstrumentSpec:
        return self.order.instrument

    @property
    def side(self) -> Side:
        return self.order.side

    @property
    def base_id(self) -> str:
        """The id without its revision: the same for an execution and its corrections."""
        return self.exec_id.rpartition(".")[0]

    def corrected(self, quantity: Decimal | None, price: Decimal | None) -> "Execution":
        """The next revision with another quantity or price; one that is busted costs nothing."""
        base, _, revision = self.exec_id.rpartition(".")
        is_busted = quantity == 0
        return replace(
            self,
            exec_id=f"{base}.{int(revision) + 1:02d}",
            quantity=self.quantity if quantity is None else quantity,
            price=price or self.price,
            commission=Decimal(0) if is_busted else self.commission,
            realized=None if is_busted else self.realized,
        )

    def state(self) -> FillState:
        """A frozen picture for readers."""
        return FillState(
            exec_id=self.exec_id,
            perm_id=self.order.perm_id,
            client_id=self.order.client_id,
            order_id=self.order.order_id,
            account=self.order.account,
            symbol=self.instrument.symbol,
            side=self.side,
            quantity=self.quantity,
            price=self.price,
            commission=self.commission,
            order_ref=self.order.request.order_ref,
            at=self.at,
        )


class ExecutionLog:
    """All executions, corrections included, oldest first. Ids begin with the time of the start."""

    def __init__(self, started: datetime) -> None:
        self._series = f"{int(started.timestamp()):08x}"
        self._all: list[Execution] = []
        self._yesterday = self._today = 0
        """How many there were when these days began."""

    def recent(self) -> Iterator[Execution]:
        """Those of today and yesterday: no gateway tells of older ones."""
        return iter(self._all[self._yesterday :])

    def begin_day(self) -> None:
        """Today becomes yesterday."""
        self._yesterday, self._today = self._today, len(self._all)

    def next_id(self) -> str:
        return f"{self._series}.{len(self._all) + 1:08x}.01.01"

    def add(self, execution: Execution) -> None:
        self._all.append(execution)

    def standing(self) -> list[Execution]:
        """Executions that count: of each one only the last revision."""
        latest = {execution.base_id: execution for execution in self._all}
        return list(latest.values())
