"""The world as its gateway and its operator see it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from sandbox.world.assembly import assemble
from sandbox.world.bell import Bell
from sandbox.world.cancel_desk import CancelDesk
from sandbox.world.errors import SpecError
from sandbox.world.events import OrderBound, QuoteChanged
from sandbox.world.fault_spec import Fault, Side
from sandbox.world.fill_desk import FillDesk
from sandbox.world.journal import Journal
from sandbox.world.order_desk import OrderDesk
from sandbox.world.orders import Order, OrderRequest
from sandbox.world.pictures import picture_of_account
from sandbox.world.refusals import Refusal
from sandbox.world.spec import HoursSpec, InstrumentSpec, LatencySpec, WorldSpec, load_spec
from sandbox.world.staging import staged_request
from sandbox.world.state import AccountState, OrderState
from sandbox.world.what_if import WhatIf

_FAULT: TypeAdapter[Fault] = TypeAdapter(Fault)


def utc_now() -> datetime:
    """The sandbox keeps its own time."""
    return datetime.now(UTC)


class World:
    """A brokerage with its markets. See the package for a tour of what an operator may do."""

    def __init__(self, spec: WorldSpec, *, now: Callable[[], datetime] = utc_now) -> None:
        self.parts = assemble(spec, now)
        self._fills = FillDesk(self.parts)
        self._cancels = CancelDesk(self.parts, self._fills)
        self._orders = OrderDesk(self.parts, self._fills)
        self._bell = Bell(self.parts, self._fills, self._cancels)

    @classmethod
    def from_yaml(cls, path: Path) -> "World":
        """Build from a YAML file.

        Raises:
            SpecError: the file cannot be loaded.
        """
        return cls(load_spec(path))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "World":
        """Build from a mapping with the keys of `WorldSpec`.

        Raises:
            SpecError: a key or value is wrong.
        """
        return cls(load_spec(dict(content)))

    @property
    def accounts(self) -> tuple[str, ...]:
        """The ids of all accounts of the login."""
        return self.parts.accounts.ids

    @property
    def instruments(self) -> tuple[InstrumentSpec, ...]:
        """Everything that can be traded, as specified; the price of now is in `price_of`."""
        return self.parts.registry.all

    @property
    def journal(self) -> Journal:
        """Everything received and done so far."""
        return self.parts.journal

    @property
    def faults(self) -> dict[int, Fault]:
        """The faults in force, by their number."""
        return self.parts.faults.in_force

    @property
    def read_only(self) -> bool:
        return self.parts.switches.read_only

    def account_state(self, account_id: str) -> AccountState:
        """The truth about an account, now.

        Raises:
            UnknownAccountError: no such account.
        """
        return picture_of_account(self.parts, account_id)

    def open_orders(self) -> list[OrderState]:
        """Orders of all accounts and owners that are not done."""
        return [order.state() for order in self.parts.book if not order.is_done]

    def price_of(self, symbol: str, con_id: int | None = None) -> Decimal:
        """The price of now."""
        return self.parts.market.price(self.parts.registry.named(symbol, con_id).con_id)

    def set_price(self, symbol: str, price: Decimal, *, con_id: int | None = None) -> None:
        """Move a price. Resting orders that it reaches fill.

        Raises:
            UnknownInstrumentError: the symbol fits no instrument or several.
        """
        self.set_market(symbol, con_id=con_id, price=price)

    def set_market(
        self,
        symbol: str,
        *,
        con_id: int | None = None,
        price: Decimal | None = None,
        spread: Decimal | None = None,
        **flags: bool,
    ) -> None:
        """Change one market. Flags: `halted`, `no_quote`, `delayed_only`, `close_only`.

        Raises:
            UnknownInstrumentError: the symbol fits no instrument or several.
        """
        instrument = self.parts.registry.named(symbol, con_id)
        self.parts.market.change(instrument.con_id, price=price, spread=spread, flags=flags)
        changed = {"price": price and str(price), "spread": spread and str(spread), **flags}
        self.journal.record("control", symbol=symbol, market=changed)
        self.parts.hub.publish(QuoteChanged(instrument))
        for order in self.parts.book:
            if order.instrument is instrument and order.status == "Submitted":
                self._fills.try_fill(order)

    def set_hours(self, hours: HoursSpec | Mapping[str, Any] | str, symbol: str | None = None) -> None:
        """Set the hours of one symbol or of all markets. Closing and opening act on the orders at once."""
        instrument = self.parts.registry.named(symbol) if symbol else None
        now = self.parts.now()
        was_open = {spec.con_id: self.parts.calendar(spec).is_open(now) for spec in self.instruments}
        spec = hours if isinstance(hours, HoursSpec) else HoursSpec.model_validate(hours)
        self.parts.hours.change(spec, instrument and instrument.con_id)
        self.journal.record("control", symbol=symbol or "", hours=spec.kind)
        self._bell.hours_changed(was_open)

    def set_read_only(self, read_only: bool) -> None:  # noqa: FBT001 - the one thing it says
        """Switch the API interface to read-only mode, or back."""
        self.parts.switches.read_only = read_only
        self.journal.record("control", read_only=read_only)

    def set_latency(self, latency: LatencySpec | Mapping[str, Any]) -> None:
        """Replace all latencies."""
        spec = latency if isinstance(latency, LatencySpec) else LatencySpec.model_validate(latency)
        self.parts.switches.latency = spec
        self.journal.record("control", latency=spec.model_dump())

    def deposit(self, account_id: str, amount: Decimal, currency: str | None = None) -> None:
        """Pay money into an account, or with a negative amount out of it."""
        self.parts.accounts.deposit(account_id, amount, currency)
        self.journal.record("control", account=account_id, deposit=str(amount))

    def add_fault(self, fault: Fault | Mapping[str, Any]) -> int:
        """Put a fault in force and return its number.

        Raises:
            SpecError: the mapping describes no fault.
        """
        try:
            spec = _FAULT.validate_python(fault)
        except ValidationError as error:
            raise SpecError(f"cannot add the fault: {error}") from error
        self.journal.record("control", fault=spec.model_dump(mode="json"))
        return self.parts.faults.add(spec)

    def clear_faults(self, number: int | None = None) -> None:
        """Lift one fault, or all."""
        self.parts.faults.clear(number)
        self.journal.record("control", cleared=number or "all")

    def place_manual_order(
        self, *, account: str, symbol: str, side: Side, quantity: Decimal, **more: Any
    ) -> OrderState:
        """Place an order by hand, as in the brokerage's own window. `more` are fields of `OrderRequest`.

        Raises:
            SpecError: the brokerage would not take it.
        """
        request = staged_request(self.parts.registry, account, symbol, side, quantity, more)
        return self._taken(self._orders.place_by_hand(request))

    def place_foreign_order(
        self,
        client_id: int,
        *,
        account: str,
        symbol: str,
        side: Side,
        quantity: Decimal,
        **more: Any,
    ) -> OrderState:
        """Place an order as another client would. `more` are fields of `OrderRequest`, such as `limit_price`.

        Raises:
            SpecError: the brokerage would not take it.
        """
        request = staged_request(self.parts.registry, account, symbol, side, quantity, more)
        return self._taken(self._orders.place(client_id, self.parts.book.next_id(client_id), request))

    def place_order(self, client_id: int, order_id: int, request: OrderRequest) -> Order | WhatIf | Refusal:
        """Take an order from a client of the gateway; see `OrderDesk.place`."""
        taken = self._orders.place(client_id, order_id, request)
        self._bell.arm()
        return taken

    def cancel_order(self, client_id: int, order_id: int) -> None:
        """Take a request to cancel; see `CancelDesk.cancel`."""
        self._cancels.cancel(client_id, order_id)

    def correct_last_fill(self, account_id: str, price: Decimal) -> None:
        """Have the exchange correct the price of the account's latest execution."""
        self._fills.correct_last(account_id, price=price)

    def bust_last_fill(self, account_id: str) -> None:
        """Have the exchange take the account's latest execution back."""
        self._fills.correct_last(account_id, quantity=Decimal(0))

    def cancel_everything(self, client_id: int) -> None:
        """Cancel every order of every account."""
        self._cancels.cancel_everything(client_id)

    def bind_manual_orders(self) -> None:
        """Give orders placed by hand to client 0."""
        for order in self.parts.book.bind_manual():
            self.parts.hub.publish(OrderBound(order))

    def close(self) -> None:
        """Call off everything that is still to happen."""
        self.parts.timers.close()

    def _taken(self, taken: Order | WhatIf | Refusal) -> OrderState:
        if isinstance(taken, Refusal):
            raise SpecError(f"the order would be refused: {taken.code} {taken.text}")
        self._bell.arm()
        return (taken.order if isinstance(taken, WhatIf) else taken).state()
