"""Builds the parts of a world from its description."""

from collections.abc import Callable
from datetime import datetime

from sandbox.world.accounts import Accounts
from sandbox.world.book import OrderBook
from sandbox.world.events import EventHub
from sandbox.world.executions import ExecutionLog
from sandbox.world.faults import FaultBoard
from sandbox.world.hours import TradingHours
from sandbox.world.instruments import Registry
from sandbox.world.journal import Journal
from sandbox.world.market import Market
from sandbox.world.parts import Parts, Switches
from sandbox.world.spec import WorldSpec
from sandbox.world.timers import Timers


def assemble(spec: WorldSpec, now: Callable[[], datetime]) -> Parts:
    """One of everything, nothing running yet. Numbers of orders and executions start from the time of day."""
    switches = Switches(latency=spec.latency, read_only=spec.read_only)
    journal, timers, hub = Journal(now), Timers(), EventHub()
    return Parts(
        spec=spec,
        now=now,
        switches=switches,
        registry=Registry(spec.instruments),
        market=Market(spec.instruments, spec.fx, spec.seed),
        hours=TradingHours(spec.hours, spec.instruments),
        accounts=Accounts(spec, hub, timers, lambda: switches.latency.account_lag_ms),
        book=OrderBook(now()),
        executions=ExecutionLog(now()),
        faults=FaultBoard(spec.faults, journal),
        journal=journal,
        timers=timers,
        hub=hub,
    )
