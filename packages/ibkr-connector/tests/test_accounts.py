"""Account figures, the account guard, and positions against executions."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker_connector_base import AccountRefused, Side, SnapshotIncomplete
from ibkr_connector.account_feed import AccountFeed
from ibkr_connector.account_guard import require_tradeable
from ibkr_connector.account_values import pushed_cash, read_values
from ibkr_connector.messages import AccountFigure, ExecutionTold, FigureTold, OrderKey, PositionTold, SummaryTold
from ibkr_connector.position_ledger import PositionLedger
from ibkr_connector.settings import IBKRConnectionSettings, TradingMode

_MARGIN = {
    ("NetLiquidation", "USD"): "45000.5",
    ("TotalCashValue", "USD"): "-5000",
    ("SettledCash", "USD"): "-5000",
    ("AvailableFunds", "USD"): "20000",
    ("BuyingPower", "USD"): "80000",
}


def _figures(values: dict[tuple[str, str], str]) -> list[AccountFigure]:
    return [AccountFigure("DU1", tag, value, currency) for (tag, currency), value in values.items()]


def test_a_summary_without_a_ledger_is_enough() -> None:
    """Total cash stands in for the ledger; borrowed money is negative cash."""
    values = read_values("DU1", _figures(_MARGIN))

    assert (values.net_liquidation, values.cash, values.other_cash) == (Decimal("45000.5"), -5000, 0)
    assert not values.is_cash_account


def test_the_ledger_tells_currencies_apart() -> None:
    """Dollars are dollars; euros count at the ledger's rate; BASE is a total and counts not at all."""
    ledger = {
        ("CashBalance", "USD"): "1000",
        ("CashBalance", "EUR"): "200",
        ("ExchangeRate", "EUR"): "1.1",
        ("CashBalance", "BASE"): "1220",
    }

    values = read_values("DU1", _figures(_MARGIN | ledger))

    assert (values.cash, values.other_cash) == (1000, Decimal("220.0"))


def test_cash_in_another_currency_alone_is_no_dollars() -> None:
    """Without a dollar ledger, what is in euros is taken from the total."""
    ledger = {("CashBalance", "EUR"): "200", ("ExchangeRate", "EUR"): "1.1", ("TotalCashValue", "USD"): "220"}

    assert read_values("DU1", _figures(_MARGIN | ledger)).cash == 0


@pytest.mark.parametrize("tag", ["NetLiquidation", "TotalCashValue"])
@pytest.mark.parametrize("value", [None, "", "nan", "Infinity", "n/a"])
def test_a_missing_figure_is_named(tag: str, value: str | None) -> None:
    """A figure that is absent or no number makes the snapshot incomplete; it is never 0."""
    figures = {key: text for key, text in _MARGIN.items() if key[0] != tag}
    if value is not None:
        figures[tag, "USD"] = value

    with pytest.raises(SnapshotIncomplete, match=rf"DU1.*{tag}"):
        read_values("DU1", _figures(figures))


def test_a_base_currency_other_than_dollars_is_refused() -> None:
    """Euros are not read as dollars."""
    figures = {(tag, "EUR"): value for (tag, _), value in _MARGIN.items()}

    with pytest.raises(SnapshotIncomplete, match="only in EUR"):
        read_values("DU1", _figures(figures))


def test_foreign_cash_needs_its_rate() -> None:
    """Without a rate the value of other currencies is unknown."""
    with pytest.raises(SnapshotIncomplete, match="ExchangeRate of EUR"):
        read_values("DU1", _figures(_MARGIN | {("CashBalance", "EUR"): "200"}))


@pytest.mark.parametrize(
    ("funds", "power", "is_cash"),
    [
        ("1000", "4000", False),
        ("1000", "2000", False),
        ("1000", "1000", True),
        ("1000", "1010", True),
        ("0", "0", True),
        ("1000", None, True),
        (None, "4000", True),
    ],
)
def test_a_cash_account_has_no_buying_power_to_spare(funds: str | None, power: str | None, is_cash: bool) -> None:
    """Buying power above available funds means margin; unknown means the careful answer."""
    figures = dict(_MARGIN)
    for tag, value in (("AvailableFunds", funds), ("BuyingPower", power)):
        del figures[tag, "USD"]
        if value is not None:
            figures[tag, "USD"] = value

    assert read_values("DU1", _figures(figures)).is_cash_account is is_cash


def test_settled_cash_matters_where_only_it_may_be_spent() -> None:
    """A margin account may do without the figure, a cash account may not."""
    margin = {key: value for key, value in _MARGIN.items() if key[0] != "SettledCash"}
    cash = margin | {("BuyingPower", "USD"): "20000"}

    assert read_values("DU1", _figures(margin)).settled_cash == -5000
    with pytest.raises(SnapshotIncomplete, match="SettledCash"):
        read_values("DU1", _figures(cash))


def test_without_any_word_on_borrowing_the_lower_figure_may_be_spent() -> None:
    """A gateway that tells neither settled cash nor buying power: cash, or available funds when these are lower."""
    silent = {key: value for key, value in _MARGIN.items() if key[0] not in ("SettledCash", "BuyingPower")}
    funded = silent | {("CashBalance", "USD"): "9000", ("AvailableFunds", "USD"): "7000"}

    values = read_values("DU1", _figures(funded))

    assert values.is_cash_account
    assert values.settled_cash == 7000


def test_pushed_cash_is_in_dollars() -> None:
    """Of the pushed figures the dollar balance counts, never a total of all currencies."""
    figures = _figures({("TotalCashBalance", "BASE"): "900", ("CashBalance", "USD"): "700"})

    assert pushed_cash(figures) == 700
    assert pushed_cash(_figures({("TotalCashBalance", "BASE"): "900", ("CashBalance", "EUR"): "1"})) is None


def test_the_feed_keeps_what_was_asked_for() -> None:
    """Figures are kept by request while it is open, and the newest counts."""
    feed = AccountFeed()
    feed.open_summary(1)
    for value in ("1", "2"):
        feed.take(SummaryTold(1, AccountFigure("DU1", "SettledCash", value, "USD")))
    feed.take(SummaryTold(1, AccountFigure("DU2", "SettledCash", "9", "USD")))
    feed.take(SummaryTold(99, AccountFigure("DU1", "SettledCash", "9", "USD")))
    feed.take(PositionTold("DU1", 7, Decimal(3)))

    kept = feed.summary(1, "DU1")
    feed.close_summary(1)

    assert [each.value for each in kept] == ["2"]
    assert feed.summary(1, "DU1") == ()
    assert feed.positions("DU1") == {7: 3}


def test_listeners_hear_their_own_account_for_as_long_as_they_listen() -> None:
    """Two listeners to one account do not end each other's listening, and none hears what was pushed before."""
    feed = AccountFeed()
    first = feed.listen(1, "DU1")
    feed.take(FigureTold(AccountFigure("DU1", "CashBalance", "1", "USD")))
    second = feed.listen(2, "DU1")
    feed.stop_listening(1)
    heard_before = second.figures
    feed.take(FigureTold(AccountFigure("DU1", "CashBalance", "2", "USD")))
    feed.take(FigureTold(AccountFigure("DU2", "CashBalance", "9", "USD")))

    assert [each.value for each in first.figures] == ["1"]
    assert heard_before == ()
    assert [each.value for each in second.figures] == ["2"]


@pytest.mark.parametrize(
    ("account_id", "mode", "allowed"),
    [
        ("DU1", "paper", True),
        ("DF1", "paper", True),
        ("DUM1", "paper", True),
        ("U1", "live", True),
        ("F1", "live", True),
        ("U1", "paper", False),
        ("DU1", "live", False),
        ("DU9", "paper", False),
        ("", "paper", False),
    ],
)
def test_the_guard_knows_its_accounts(account_id: str, mode: TradingMode, allowed: bool) -> None:
    """Managed and of the right kind, or refused with its id."""
    managed = {"DU1", "DF1", "DUM1", "U1", "F1"}

    if allowed:
        require_tradeable(account_id, managed=managed, trading_mode=mode)
    else:
        with pytest.raises(AccountRefused, match=f"account {account_id}"):
            require_tradeable(account_id, managed=managed, trading_mode=mode)


def _execution(exec_id: str, side: Side, quantity: int, contract_id: int = 7) -> ExecutionTold:
    return ExecutionTold(
        exec_id=exec_id,
        key=OrderKey(5, 1),
        perm_id=1,
        order_ref="ref",
        account_id="DU1",
        contract_id=contract_id,
        symbol="SPY",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(10),
        executed_at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
    )


def _positions(**quantities: int) -> dict[int, Decimal]:
    return {int(name[1:]): Decimal(quantity) for name, quantity in quantities.items()}


def test_positions_must_contain_every_execution() -> None:
    """Buys add, sells take away, a closed position is 0 and may be absent."""
    ledger = PositionLedger()
    ledger.agree(_positions(c7=100), [])
    executions = [_execution("a.b.1.01", Side.SELL, 100), _execution("a.b.2.01", Side.BUY, 5, contract_id=8)]

    assert ledger.disagreements(_positions(c7=100), executions) == {7: (100, 0), 8: (0, 5)}
    assert ledger.disagreements(_positions(c8=5), executions) == {}


def test_old_executions_are_in_the_agreement() -> None:
    """What was executed before the agreement is not expected again; a correction counts by its difference."""
    ledger = PositionLedger()
    first = _execution("a.b.1.01", Side.BUY, 10)
    ledger.agree(_positions(c7=10), [first])
    corrected = _execution("a.b.1.02", Side.BUY, 8)

    assert ledger.disagreements(_positions(c7=10), [first]) == {}
    assert ledger.disagreements(_positions(c7=10), [corrected]) == {7: (10, 8)}


def test_what_was_not_traded_may_change() -> None:
    """Splits, transfers and trades of unknown origin are no disagreement."""
    ledger = PositionLedger()
    ledger.agree(_positions(c7=100, c9=50), [])

    assert ledger.disagreements(_positions(c7=110, c9=100), [_execution("a.b.1.01", Side.BUY, 10)]) == {}


def test_without_an_agreement_nothing_disagrees() -> None:
    """A fresh or forgotten ledger takes what it is told."""
    ledger = PositionLedger()
    ledger.agree(_positions(c7=1), [])
    ledger.forget()

    assert not ledger.has_agreement
    assert ledger.disagreements({}, [_execution("a.b.1.01", Side.BUY, 10)]) == {}


@pytest.mark.parametrize("changes", [{"connect_tries": 0}, {"client_id": -1}])
def test_settings_that_cannot_work_are_refused(changes: dict[str, int]) -> None:
    """No try at all, or a client id that the gateway has not, is a mistake."""
    values = {"host": "h", "port": 1, "client_id": 1, "trading_mode": "paper"} | changes

    with pytest.raises(ValueError, match=next(iter(changes))):
        IBKRConnectionSettings(**values)  # pyright: ignore[reportArgumentType] - mixed on purpose
