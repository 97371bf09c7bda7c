"""Each claim holds on evidence that bears it out, and objects in words to evidence that does not."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import pytest

from rebalancer_cli.scenarios.claims import accounts, events, orders
from rebalancer_cli.scenarios.evidence import OTHER_CLIENT, Evidence
from rebalancer_cli.scenarios.scenario import Claim, meanwhile
from rebalancer_cli.scenarios.stage import REBALANCE

EvidenceMaker = Callable[..., Evidence]
Seen = Mapping[str, Any]

AS_EXPECTED: Seen = {}
NOTHING_PLACED: Seen = {"journal": ""}
CANCELLED_FIRST = """
17 place_order SELL 31 SPY a
17 fill SELL 10 SPY a
17 cancel_order - 0 SPY a
17 order_cancelled - 0 SPY a
17 place_order BUY 100 QQQ b
"""
BOUGHT_FIRST = """
17 place_order SELL 31 SPY a
17 fill SELL 10 SPY a
17 place_order BUY 100 QQQ b
17 order_cancelled - 0 SPY a
"""
OWNERS_FIRST = """
77 place_order BUY 3 BND -
77 cancel_order - 0 BND -
77 order_cancelled - 0 BND -
0 cancel_order - 0 BND -
0 order_cancelled - 0 BND -
17 place_order SELL 31 SPY a
"""
OWN_FIRST = """
17 place_order SELL 31 SPY a
77 cancel_order - 0 BND -
0 cancel_order - 0 BND -
77 order_cancelled - 0 BND -
0 order_cancelled - 0 BND -
"""
TWICE = "17 place_order SELL 31 SPY a\n17 place_order SELL 31 SPY a"
NAMELESS = "17 place_order SELL 31 SPY -"
WAITING: Seen = {"event": {"status": "delayed", "times_queued": 2, "error_message": "no price for QQQ", "result": {}}}
ASIDE: Seen = {"event": {"status": "delayed", "due_at": "2025-06-25T13:30:00Z"}}
LATE: Seen = {"event": {"status": "delayed", "due_at": "2025-06-25T13:31:00Z"}}
REJECTED: Seen = {"event": {"history": [{"kind": "order_result", "details": {"message": "on loan"}}]}}
PAUSED: Seen = {"health": {"components": {"trading": {"status": "degraded", "detail": "paused: wrong data"}}}}
RESULT: Seen = {"status": "success", "orders": [{"filled_quantity": 62.0}, {"filled_quantity": 193.0}]}
ONE_FILL = [{"kind": "fill", "details": {"exec_id": "1"}}]

CASES: list[tuple[Claim, Seen, Seen, str]] = [
    (orders.no_order_twice(), AS_EXPECTED, {"journal": TWICE}, "placed more than once: a"),
    (orders.no_order_twice(), AS_EXPECTED, {"journal": NAMELESS}, "placed more than once: (none)"),
    (orders.no_order_twice(), AS_EXPECTED, NOTHING_PLACED, "no order was placed"),
    (orders.one_order_a_symbol(), AS_EXPECTED, {"journal": TWICE}, "SPY 2 orders"),
    (orders.one_order_a_symbol(), AS_EXPECTED, NOTHING_PLACED, "no order was placed"),
    (orders.open_orders(0), AS_EXPECTED, {"open_orders": 1}, "1 orders are open"),
    (orders.open_orders(1), {"open_orders": 1}, AS_EXPECTED, "0 orders are open"),
    (orders.nothing_bought(), NOTHING_PLACED, AS_EXPECTED, "bought QQQ"),
    (orders.placed_before_looking("SPY"), AS_EXPECTED, NOTHING_PLACED, "no order of SPY"),
    (orders.filled_in_part("SPY", 10), {"journal": CANCELLED_FIRST}, AS_EXPECTED, "31 shares of SPY filled"),
    (orders.filled_in_part("SPY", 31), {"journal": CANCELLED_FIRST.replace(" 10 ", " 31 ")}, AS_EXPECTED, "cancelled"),
    (orders.cancelled_before_buying("SPY"), {"journal": CANCELLED_FIRST}, {"journal": BOUGHT_FIRST}, "bought before"),
    (orders.cancelled_before_buying("SPY"), {"journal": CANCELLED_FIRST}, NOTHING_PLACED, "no order of SPY was"),
    (orders.cancelled_through(0, OTHER_CLIENT), {"journal": OWNERS_FIRST}, {"journal": OWN_FIRST}, "before the first"),
    (orders.cancelled_through(0, OTHER_CLIENT), {"journal": OWNERS_FIRST}, AS_EXPECTED, "through clients []"),
    (orders.met_fault("reject"), {"journal": "17 fault_applied reject 0 SPY a"}, AS_EXPECTED, "no order met reject"),
    (
        orders.each_share_counted_once(),
        AS_EXPECTED,
        {"event": {"result": RESULT}},
        "counts 255.0 shares, the brokerage",
    ),
    (orders.each_share_counted_once(), AS_EXPECTED, {"event": {"history": ONE_FILL}}, "2 fills at the brokerage, 1"),
    (orders.each_share_counted_once(), AS_EXPECTED, {"event": {"history": ONE_FILL * 2}}, "2 fills at the brokerage"),
    (orders.each_share_counted_once(), AS_EXPECTED, NOTHING_PLACED, "0 fills at the brokerage"),
    (events.completed("success"), AS_EXPECTED, WAITING, "it is delayed"),
    (events.completed("partial"), {"event": {"result": {"status": "partial"}}}, AS_EXPECTED, "its result success"),
    (events.skipped(), {"event": {"status": "skipped", "result": {"status": "skipped"}}}, AS_EXPECTED, "is completed"),
    (events.waits_for_another_try(), WAITING, AS_EXPECTED, "it is completed, queued 1 times"),
    (events.waits_for_another_try(times_queued=2), WAITING, ASIDE, "it is delayed, queued 1 times"),
    (events.tried_again(), {"event": {"times_queued": 2}}, AS_EXPECTED, "queued 1 times"),
    (events.put_aside_unchanged(REBALANCE), ASIDE, WAITING, "it is delayed, queued 2 times"),
    (
        events.put_aside_unchanged({"exec": "rebalance", "note": 1}),
        {"event": {**ASIDE["event"], "data": {"exec": "rebalance", "note": 1}}},
        ASIDE,
        "data {'exec': 'rebalance'}",
    ),
    (events.first_attempt(), AS_EXPECTED, WAITING, "times_queued is 2"),
    (events.due_at_tomorrows_opening(), ASIDE, LATE, "due at 2025-06-25 09:31"),
    (events.due_at_tomorrows_opening(), ASIDE, AS_EXPECTED, "it has no due time"),
    (events.error_names("QQQ"), WAITING, AS_EXPECTED, "it says ''"),
    (events.audit_keeps("order_result", "on loan"), REJECTED, AS_EXPECTED, "no order_result says so"),
    (events.result_says("message"), AS_EXPECTED, {"event": {"result": {}}}, "message is missing"),
    (events.health_is(HTTPStatus.OK), AS_EXPECTED, {"code": 503}, "it answered 503"),
    (events.part_says("trading", "wrong data"), PAUSED, AS_EXPECTED, "trading says"),
    (accounts.arrived(), AS_EXPECTED, {"held": {"SPY": 90}}, "SPY: holds 90, target 59.40"),
    (accounts.bought_from_real_cash(), AS_EXPECTED, {"cash": "-1"}, "cash -1 is below the reserve 100.00"),
    (accounts.bought_from_real_cash(), AS_EXPECTED, NOTHING_PLACED, "nothing was bought"),
]


@pytest.mark.parametrize(("claim", "good", "bad", "words"), CASES)
def test_a_claim_tells_good_evidence_from_bad(
    make_evidence: EvidenceMaker, claim: Claim, good: Seen, bad: Seen, words: str
) -> None:
    """No objection to the one, the reason for the other."""
    assert claim.objection(make_evidence(**good)) == ""
    assert words in claim.objection(make_evidence(**bad))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"journal": "17 place_order SELL 1 SPY a"}, "1 orders placed, 0 cancellations"),
        ({"journal": "17 cancel_order - 0 SPY a"}, "0 orders placed, 1 cancellations"),
        ({"journal": "17 global_cancel - 0 SPY -"}, "0 orders placed, 1 cancellations"),
        ({"cash": "999"}, "cash or positions have changed"),
        ({"held": {"SPY": 89}}, "cash or positions have changed"),
    ],
)
def test_touching_anything_is_noticed(untouched: EvidenceMaker, change: Seen, words: str) -> None:
    """Orders, cancellations, cash and positions are all watched; another client's own orders do not count."""
    claim = orders.nothing_touched()

    assert claim.objection(untouched()) == ""
    assert claim.objection(untouched(journal=f"{OTHER_CLIENT} place_order BUY 3 BND -")) == ""
    assert claim.objection(untouched(**change)) == words


def test_a_claim_about_the_meantime_looks_at_the_first_sighting(
    make_evidence: EvidenceMaker, untouched: EvidenceMaker
) -> None:
    """Not at the end, and it does not hold when that moment never came."""
    claim = meanwhile(orders.nothing_touched())

    assert claim.objection(make_evidence(meanwhile=[untouched(), make_evidence()])) == ""
    assert claim.objection(untouched(meanwhile=[make_evidence()])) == "2 orders placed, 0 cancellations"
    assert claim.objection(untouched()) == "that moment never came"


def test_orders_after_the_first_sighting_are_told(make_evidence: EvidenceMaker) -> None:
    """What had been placed before the play looked does not count."""
    claim = orders.nothing_placed_since_looking()
    later = "17 place_order SELL 31 SPY a\n17 place_order BUY 1 BND c"

    assert claim.objection(make_evidence(meanwhile=[make_evidence()])) == ""
    assert claim.objection(make_evidence(journal=later, meanwhile=[make_evidence(journal=NAMELESS)])) == "BUY 1 BND"
    assert claim.objection(make_evidence()) == "that moment never came"
