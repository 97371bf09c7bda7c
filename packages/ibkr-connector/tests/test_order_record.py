"""One order's messages folded into a status, in the orders in which gateways send them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker_connector_base import OrderRequest, OrderStatus, OrderType, Side, TimeInForce
from ibkr_connector.executions import ExecutionBook
from ibkr_connector.messages import CommissionTold, ErrorTold, ExecutionTold, OrderKey, OrderListed, StatusTold
from ibkr_connector.order_book import OrderBook
from ibkr_connector.order_record import OrderRecord

KEY = OrderKey(5, 12)
AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)

REQUEST = OrderRequest(
    account_id="DU1",
    symbol="SPY",
    side=Side.BUY,
    quantity=100,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.DAY,
    order_ref="ref",
)

Told = StatusTold | ExecutionTold | ErrorTold | OrderListed


def _status(status: str, filled: int = 0, why_held: str = "") -> StatusTold:
    return StatusTold(key=KEY, perm_id=900, status=status, filled=Decimal(filled), why_held=why_held)


def _execution(
    exec_id: str, quantity: int, *, order_ref: str = "ref", price: str = "10", cumulative: int = 0
) -> ExecutionTold:
    return ExecutionTold(
        exec_id=exec_id,
        key=KEY,
        perm_id=900,
        order_ref=order_ref,
        account_id="DU1",
        contract_id=1,
        symbol="SPY",
        side=Side.BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
        executed_at=AT,
        cumulative=Decimal(cumulative),
    )


def _error(code: int) -> ErrorTold:
    return ErrorTold(KEY.order_id, code, "words")


def _listed(status: str, order_ref: str = "ref") -> OrderListed:
    return OrderListed(
        key=KEY,
        perm_id=900,
        account_id="DU1",
        symbol="SPY",
        side=Side.BUY,
        quantity=Decimal(100),
        order_type="MKT",
        order_ref=order_ref,
        status=status,
    )


def _after(*messages: Told) -> OrderRecord:
    executions = ExecutionBook()
    book = OrderBook(KEY.client_id, executions)
    record = OrderRecord(
        key=KEY, account_id="DU1", symbol="SPY", side=Side.BUY, quantity=Decimal(100), order_ref="ref", request=REQUEST
    )
    book.add(record)
    for message in messages:
        match message:
            case StatusTold():
                book.told(message)
            case ExecutionTold():
                for execution in executions.add(message):
                    book.executed(execution)
            case ErrorTold():
                book.failed(message)
            case OrderListed():
                book.listed(message)
    return record


@pytest.mark.parametrize(
    ("messages", "status", "filled"),
    [
        ((), OrderStatus.PENDING, 0),
        ((_status("PendingSubmit"),), OrderStatus.PENDING, 0),
        ((_status("ApiPending"),), OrderStatus.PENDING, 0),
        ((_status("PreSubmitted"),), OrderStatus.WORKING, 0),
        ((_listed("PreSubmitted"),), OrderStatus.WORKING, 0),
        ((_status("Submitted"), _execution("e.a.1.01", 40)), OrderStatus.WORKING, 40),
        ((_execution("e.a.1.01", 40), _execution("e.a.2.01", 60)), OrderStatus.FILLED, 100),
        ((_execution("e.a.1.01", 100), _status("Cancelled", 100)), OrderStatus.FILLED, 100),
        ((_status("Filled", 100),), OrderStatus.WORKING, 0),
        ((_status("Filled", 100), _execution("e.a.1.01", 100)), OrderStatus.FILLED, 100),
        ((_status("Submitted"), _status("PendingCancel")), OrderStatus.WORKING, 0),
        ((_status("PendingCancel"), _status("Cancelled")), OrderStatus.CANCELLED, 0),
        ((_status("PendingCancel"), _status("ApiCancelled")), OrderStatus.CANCELLED, 0),
        ((_status("PendingCancel"), _execution("e.a.1.01", 100)), OrderStatus.FILLED, 100),
        ((_execution("e.a.1.01", 40), _status("Cancelled", 40)), OrderStatus.CANCELLED, 40),
        ((_status("Cancelled", 40),), OrderStatus.WORKING, 0),
        ((_status("Cancelled", 40), _execution("e.a.1.01", 40)), OrderStatus.CANCELLED, 40),
        ((_status("Cancelled"), _execution("e.a.1.01", 100)), OrderStatus.FILLED, 100),
        ((_error(201), _status("Inactive")), OrderStatus.REJECTED, 0),
        ((_status("Inactive"), _error(201)), OrderStatus.REJECTED, 0),
        ((_error(201), _status("Cancelled")), OrderStatus.REJECTED, 0),
        ((_status("Inactive", why_held="locate"), _error(404)), OrderStatus.WORKING, 0),
        ((_status("Inactive"),), OrderStatus.WORKING, 0),
        ((_status("Submitted"), _error(10349)), OrderStatus.WORKING, 0),
        ((_status("Submitted"), _error(10349), _execution("e.a.1.01", 100)), OrderStatus.FILLED, 100),
        ((_status("PreSubmitted"), _error(399)), OrderStatus.WORKING, 0),
        ((_error(201), _status("Submitted"), _status("Cancelled")), OrderStatus.CANCELLED, 0),
        ((_status("Submitted"), _error(202)), OrderStatus.WORKING, 0),
        ((_status("Submitted"), _error(10147)), OrderStatus.WORKING, 0),
        ((_error(321),), OrderStatus.PENDING, 0),
    ],
)
def test_status_follows_the_brokers_word(messages: tuple[Told, ...], status: OrderStatus, filled: int) -> None:
    """Only the broker's status ends an order, only with all its executions, and only executions count shares."""
    record = _after(*messages)

    assert (record.status, record.filled) == (status, filled)


@pytest.mark.parametrize(
    ("messages", "doubtful"),
    [
        ((_status("Submitted"),), False),
        ((_error(10349),), False),
        ((_error(399),), False),
        ((_error(2109),), False),
        ((_error(201),), True),
        ((_error(202),), True),
        ((_error(10148),), True),
        ((_error(99999),), True),
        ((_status("Inactive"),), True),
        ((_status("Inactive", why_held="locate"),), False),
        ((_status("Filled", 100),), True),
        ((_status("Cancelled", 40),), True),
        ((_status("Cancelled"),), False),
    ],
)
def test_doubt_means_asking(messages: tuple[Told, ...], doubtful: bool) -> None:
    """Errors that may have ended the order, and ends that do not add up, are to be asked about."""
    assert _after(*messages).is_doubtful is doubtful


def test_an_execution_told_twice_counts_once() -> None:
    """Duplicates have the same id."""
    record = _after(_execution("e.a.1.01", 40), _execution("e.a.1.01", 40))

    assert record.filled == 40


def test_a_correction_replaces_and_never_adds() -> None:
    """The later revision counts, whichever comes last; it may lower the quantity."""
    forwards = _after(_execution("e.a.1.01", 40), _execution("e.a.1.02", 30))
    backwards = _after(_execution("e.a.1.02", 30), _execution("e.a.1.01", 40))

    assert forwards.filled == backwards.filled == 30
    assert forwards.has_corrections


def test_ids_that_differ_otherwise_are_different_executions() -> None:
    """Only two digits after the last dot count corrections; a plain counter there numbers executions."""
    record = _after(_execution("12.1", 10), _execution("12.2", 20), _execution("x", 5), _execution("y", 6))

    assert record.filled == 41


def test_an_older_order_of_the_same_number_is_another_order() -> None:
    """After a reset of its numbers the gateway may use one twice; the reference tells them apart."""
    record = _after(_execution("e.a.1.01", 40, order_ref="yesterday"), _listed("Submitted", order_ref="yesterday"))

    assert (record.filled, record.told_status) == (0, "")


def test_a_gateway_that_drops_references_is_believed() -> None:
    """An empty reference is no other reference."""
    record = _after(_execution("e.a.1.01", 40, order_ref=""), _listed("Submitted", order_ref=""))

    assert (record.filled, record.told_status) == (40, "Submitted")


def test_a_verdict_falls_when_the_order_shows_life() -> None:
    """A conclusion from silence does not stand against the broker's word."""
    record = _after(_status("Submitted"))
    record.verdict = OrderStatus.CANCELLED
    concluded = record.status
    record.told(_status("Submitted"))

    assert (concluded, record.status) == (OrderStatus.CANCELLED, OrderStatus.WORKING)


def test_words_are_kept_and_bounded() -> None:
    """The last words are reported; a rejection before all others; a chatty gateway fills no memory."""
    chatty = _after(*(ErrorTold(KEY.order_id, 399, f"notice {number}") for number in range(100)))
    refused = _after(_error(201), ErrorTold(KEY.order_id, 399, "later notice"))

    assert chatty.message == "399: notice 99"
    assert len(chatty.words) == 20
    assert refused.message == "201: words"


def test_errors_about_other_numbers_are_not_ours() -> None:
    """An error about another order or request changes nothing."""
    record = _after(ErrorTold(13, 201, "another order"), ErrorTold(-1, 2104, "farm"))

    assert not record.is_doubtful
    assert record.message == ""


def test_executions_told_before_their_order_are_caught_up() -> None:
    """An order found open after a restart has the executions that were told before."""
    executions = ExecutionBook()
    executions.add(_execution("e.a.1.01", 40))
    book = OrderBook(KEY.client_id, executions)

    book.listed(_listed("Submitted"))

    record = book.get(KEY)
    assert record is not None
    assert (record.filled, record.status) == (40, OrderStatus.WORKING)


@pytest.mark.parametrize(("status", "final"), [("Cancelled", OrderStatus.CANCELLED), ("Filled", OrderStatus.FILLED)])
def test_an_order_of_earlier_days_ends_by_status_alone(status: str, final: OrderStatus) -> None:
    """Executions of earlier days are never told, so an order found open does not wait for them."""
    book = OrderBook(KEY.client_id, ExecutionBook())
    book.listed(_listed("Submitted"))
    book.told(_status("Submitted", 40))
    record = book.get(KEY)
    assert record is not None
    before = record.status
    book.told(_status(status, 100 if status == "Filled" else 40))

    assert (before, record.status) == (OrderStatus.WORKING, final)
    assert record.filled_by_any_word >= 40


def test_a_listing_under_a_reused_number_is_its_own_order() -> None:
    """The list of open orders shows what is listed, not what our books say about that number."""
    executions = ExecutionBook()
    book = OrderBook(KEY.client_id, executions)
    ours = OrderRecord(key=KEY, account_id="DU1", symbol="SPY", side=Side.BUY, quantity=Decimal(1), order_ref="ours")
    book.add(ours)
    ours.told(_status("Cancelled"))
    listing = _listed("Submitted", order_ref="theirs")
    book.listed(listing)

    assert ours.status is OrderStatus.CANCELLED
    assert book.of_listing(listing).status is OrderStatus.WORKING


def test_lost_messages_put_every_living_order_in_doubt() -> None:
    """After an outage the living are asked for, the dead are left in peace."""
    living, dead = _after(_status("Submitted")), _after(_status("Cancelled"))
    living.doubt()
    dead.doubt()

    assert (living.is_doubtful, dead.is_doubtful) == (True, False)


@pytest.mark.parametrize("told", [(), (_status("Filled", 100),)], ids=["by its executions", "by its status"])
def test_an_order_that_was_over_stays_over_when_an_execution_is_busted(told: tuple[Told, ...]) -> None:
    """Nobody sends its shares to the market again; a word of life from the brokerage counts as ever."""
    record = _after(_execution("e.a.1.01", 100), *told, _execution("e.a.1.02", 0))
    concluded = (record.status, record.filled)
    record.told(_status("Submitted"))

    assert concluded == (OrderStatus.CANCELLED, 0)
    assert record.status is OrderStatus.WORKING


def test_fills_carry_commissions_and_leave_busts_out() -> None:
    """A commission belongs to its execution through corrections; an execution corrected to nothing is no fill."""
    book = ExecutionBook()
    for execution in (_execution("a.b.1.01", 10), _execution("a.b.1.02", 10, price="11"), _execution("a.b.2.01", 0)):
        book.add(execution)
    awaited = book.lack_commission(book.of_account("DU1"))
    book.add_commission(CommissionTold("a.b.1.01", Decimal("1.5")))

    fills = book.fills(book.of_account("DU1"))

    assert [(fill.price, fill.commission) for fill in fills] == [(11, Decimal("1.5"))]
    assert awaited
    assert not book.lack_commission(book.of_account("DU1"))
