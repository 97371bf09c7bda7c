"""Claims about orders, judged by the journal of the simulated brokerage."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from rebalancer_cli.scenarios.evidence import Entry, Evidence
from rebalancer_cli.scenarios.scenario import Claim


def no_order_twice() -> Claim:
    """Orders were placed, each under a reference of its own."""

    def objection(evidence: Evidence) -> str:
        references = Counter(entry.order_ref for entry in evidence.end.placed)
        if not references:
            return "no order was placed"
        repeated = [reference or "(none)" for reference, count in references.items() if count > 1 or not reference]
        return f"placed more than once: {', '.join(repeated)}" if repeated else ""

    return Claim("every order went out exactly once", objection)


def one_order_a_symbol() -> Claim:
    """No symbol was traded by two orders."""

    def objection(evidence: Evidence) -> str:
        counts = Counter(entry.symbol for entry in evidence.end.placed)
        if not counts:
            return "no order was placed"
        return _listed(f"{symbol} {count} orders" for symbol, count in counts.items() if count > 1)

    return Claim("one order a symbol was enough", objection)


def nothing_touched() -> Claim:
    """No order was placed, none was cancelled, and the account is as it was."""

    def objection(evidence: Evidence) -> str:
        end, before = evidence.end, evidence.before
        if end.placed or end.cancels:
            return f"{len(end.placed)} orders placed, {len(end.cancels)} cancellations"
        same = (end.account.cash, end.account.positions) == (before.cash, before.positions)
        return "" if same else "cash or positions have changed"

    return Claim("0 orders, 0 cancellations, cash and positions as before", objection)


def open_orders(count: int) -> Claim:
    """So many orders are alive at the brokerage."""

    def objection(evidence: Evidence) -> str:
        return "" if evidence.end.open_orders == count else f"{evidence.end.open_orders} orders are open"

    return Claim("no order is left open" if count == 0 else f"{count} order that was open is open still", objection)


def nothing_bought() -> Claim:
    """No buy reached the gateway."""

    def objection(evidence: Evidence) -> str:
        return _listed(f"bought {entry.symbol}" for entry in _buys(evidence))

    return Claim("nothing was bought", objection)


def nothing_placed_since_looking() -> Claim:
    """No order reached the gateway after the play had looked for the first time."""

    def objection(evidence: Evidence) -> str:
        if not evidence.meanwhile:
            return "that moment never came"
        later = evidence.end.placed[len(evidence.meanwhile[0].placed) :]
        return _listed(f"{entry.side} {entry.quantity} {entry.symbol}" for entry in later)

    return Claim("no order was placed after that", objection)


def placed_before_looking(symbol: str) -> Claim:
    """An order of the symbol had reached the gateway."""

    def objection(evidence: Evidence) -> str:
        return "" if any(entry.symbol == symbol for entry in evidence.end.placed) else f"no order of {symbol}"

    return Claim(f"an order of {symbol} had been placed", objection)


def filled_in_part(symbol: str, shares: int) -> Claim:
    """Only so many shares of the symbol were sold, and the rest was cancelled before anything was bought."""

    def objection(evidence: Evidence) -> str:
        filled = sum((entry.quantity for entry in evidence.end.of("fill") if entry.symbol == symbol), Decimal(0))
        if filled != shares:
            return f"{filled} shares of {symbol} filled"
        return cancelled_before_buying(symbol).objection(evidence)

    return Claim(f"{shares} shares of {symbol} filled, the rest was cancelled before any buy", objection)


def cancelled_before_buying(symbol: str) -> Claim:
    """An order of the symbol was cancelled, and buys went out afterwards."""

    def objection(evidence: Evidence) -> str:
        cancelled = [entry.seq for entry in evidence.end.of("order_cancelled") if entry.symbol == symbol]
        buys = [entry.seq for entry in _buys(evidence)]
        if not cancelled:
            return f"no order of {symbol} was cancelled"
        if not buys:
            return "nothing was bought"
        return "" if max(cancelled) < min(buys) else "bought before the cancellation was confirmed"

    return Claim(f"the open order of {symbol} was cancelled before any buy", objection)


def cancelled_through(*clients: int) -> Claim:
    """Open orders were cancelled through these client ids, confirmed before the first order was placed."""

    def objection(evidence: Evidence) -> str:
        asked = sorted(entry.client_id for entry in evidence.end.cancels if entry.client_id is not None)
        if asked != sorted(clients):
            return f"cancelled through clients {asked}"
        ended = [entry.seq for entry in evidence.end.of("order_cancelled")]
        placed = [entry.seq for entry in evidence.end.placed]
        in_order = len(ended) == len(clients) and bool(placed) and max(ended) < min(placed)
        return "" if in_order else f"{len(ended)} cancelled, not all before the first order"

    named = " and ".join(map(str, clients))
    return Claim(f"each foreign order was cancelled through its owner (clients {named}) before any order", objection)


def met_fault(kind: str) -> Claim:
    """The trouble really came: orders met the fault."""

    def objection(evidence: Evidence) -> str:
        met = [entry for entry in evidence.end.of("fault_applied") if (entry.details or {}).get("fault") == kind]
        return "" if met else f"no order met {kind}"

    return Claim(f"the trouble came: {kind}", objection)


def each_share_counted_once() -> Claim:
    """The result and the audit trail tell of exactly the fills that the brokerage has."""

    def objection(evidence: Evidence) -> str:
        fills = evidence.end.of("fill")
        ids = [entry["details"].get("exec_id") for entry in evidence.story.history if entry["kind"] == "fill"]
        booked = sum((entry.quantity for entry in fills), Decimal(0))
        orders = evidence.story.result.get("orders", [])
        told = sum((Decimal(str(order.get("filled_quantity", 0))) for order in orders), Decimal(0))
        if not fills or len(ids) != len(fills) or len(set(ids)) != len(ids):
            return f"{len(fills)} fills at the brokerage, {len(ids)} in the audit trail"
        return "" if told == booked else f"the result counts {told} shares, the brokerage {booked}"

    return Claim("every share is counted once, in the result and in the audit trail", objection)


def _buys(evidence: Evidence) -> list[Entry]:
    return [entry for entry in evidence.end.placed if entry.side == "BUY"]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
