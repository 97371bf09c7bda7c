"""The brokerage behind the simulated gateway: accounts, instruments, hours, orders, money. It knows no protocol.

Build a `World` from a specification, let a gateway serve it, steer it while it runs::

    world = World(load_spec(Path("world.yaml")))         # or World.from_dict({...})
    world.accounts                                       # ("DU1234567", ...)
    world.account_state("DU1234567")                     # AccountState: cash, positions, open orders, fills
    world.set_price("SPY", Decimal("501.5"))
    world.set_market("SPY", halted=True)
    world.set_hours("closed")                            # or "nyse", or a mapping; symbol="SPY" for one instrument
    world.add_fault({"kind": "reject", "symbol": "SPY"}) # returns its number
    world.clear_faults()
    world.place_manual_order(account="DU1234567", symbol="SPY", side="BUY", quantity=Decimal(1))
    world.place_foreign_order(77, account="DU1234567", symbol="SPY", side="BUY", quantity=Decimal(1))
    world.journal.of("place_order")                      # JournalEntry values, oldest first
    world.set_read_only(True)
    world.close()                                        # cancels every pending timer

All methods are plain calls on the event loop that serves the gateway; none may be called from another thread.
"""

from sandbox.world.errors import SpecError, UnknownAccountError, UnknownInstrumentError, WorldError
from sandbox.world.fault_spec import Fault
from sandbox.world.journal import Journal, JournalEntry, JournalKind
from sandbox.world.spec import (
    AccountSpec,
    CommissionSpec,
    HoursSpec,
    InstrumentSpec,
    LatencySpec,
    PositionSpec,
    WorldSpec,
    load_spec,
)
from sandbox.world.state import AccountState, FillState, OrderState, PositionState
from sandbox.world.world import World

__all__ = [
    "AccountSpec",
    "AccountState",
    "CommissionSpec",
    "Fault",
    "FillState",
    "HoursSpec",
    "InstrumentSpec",
    "Journal",
    "JournalEntry",
    "JournalKind",
    "LatencySpec",
    "OrderState",
    "PositionSpec",
    "PositionState",
    "SpecError",
    "UnknownAccountError",
    "UnknownInstrumentError",
    "World",
    "WorldError",
    "WorldSpec",
    "load_spec",
]
