"""Numbers and times that cannot be: told as what they are, never reckoned with, and nobody else's trouble."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from ib_async import Contract, ContractDetails

from broker_connector_base import BrokerAPIError, Fill, Side, SnapshotIncomplete
from ibkr_connector import IBKRConnectionSettings
from ibkr_connector.account_values import read_values
from ibkr_connector.contracts import ContractCache
from ibkr_connector.details_book import DetailsBook
from ibkr_connector.fill_feed import FillFeed
from ibkr_connector.line import Line
from ibkr_connector.messages import AccountFigure, OrderKey, TickTold
from ibkr_connector.numbers import BEYOND, Senseless, known_number, shares_or_beyond, to_decimal, to_shares
from ibkr_connector.order_record import OrderRecord
from ibkr_connector.session import GatewaySession

NOON = datetime(2026, 11, 20, 17, tzinfo=UTC)
NO_NUMBERS = ["nan", "-nan", "inf", "-inf", "1.7976931348623157E308", "1e400", "1e15"]
_EXEC_ID, _TIME, _SHARES, _PRICE, _COUNTED = 14, 15, 19, 20, 24


@dataclass
class Wire:
    """A session into which the test writes messages as they arrive, field by field."""

    session: GatewaySession

    def execution(self, exec_id: str, account_id: str = "DU1", **changed: str) -> None:
        """An execution of an order of ours, with other words at some places, as `at20="nan"`."""
        contract = "1 TLT STK _ 0.0 _ _ ISLAND USD TLT NMS"
        details = f"{exec_id} 20261120-16:59:00 {account_id} ISLAND BOT 10 90.0 70 5 0 10 90.0 event-1:1:BUY:TLT"
        self._say(f"11 -1 7 {contract} {details} _ _ _ 1", changed)

    def status(self, filled: str) -> None:
        """What is told of order 7."""
        self._say(f"3 7 Submitted {filled} 10 0 70 0 0 5 _ 0", {})

    def position(self, account_id: str, quantity: str) -> None:
        """What an account holds."""
        self._say(f"61 3 {account_id} 1 TLT STK _ 0.0 _ _ ISLAND USD TLT NMS {quantity} 90.0", {})

    def _say(self, text: str, changed: dict[str, str]) -> None:
        fields = ["" if word == "_" else word for word in text.split(" ")]
        for place, word in changed.items():
            fields[int(place.removeprefix("at"))] = word
        self.session.raw.decoder.interpret(fields)

    async def fills(self, count: int) -> list[Fill]:
        """So many that are told."""
        line = Line.over(self.session)
        heard = FillFeed(self.session, line.requests, line.follower).hear()
        async with asyncio.timeout(20):
            return [await anext(heard) for _ in range(count)]


@pytest.fixture
async def wire() -> Wire:
    """Of a login with two accounts."""
    settings = IBKRConnectionSettings(
        host="127.0.0.1", port=1, client_id=5, trading_mode="paper", commission_wait_seconds=0.05
    )
    session = GatewaySession(settings, lambda: NOON)
    session.raw.decoder.serverVersion = 176
    session.ib.wrapper.accounts = ["DU1", "DU2"]
    return Wire(session)


@pytest.mark.parametrize(
    ("place", "word"),
    [
        *((place, word) for place in (_PRICE, _SHARES) for word in [*NO_NUMBERS, "-1"]),
        *((_COUNTED, word) for word in ("nan", "inf", "-1")),
        *((_TIME, word) for word in ("junk", "20261120", "19700101-00:00:00", "20991231-00:00:00", "9" * 30)),
        (_PRICE, "0"),
        (_PRICE, ""),
        (_EXEC_ID, ""),
    ],
)
async def test_a_senseless_execution_stops_its_account_alone(wire: Wire, place: int, word: str) -> None:
    """It is no fill, and is named; executions of others, and later ones, are told as ever."""
    wire.execution("e.1.01.01", **{f"at{place}": word})
    wire.execution("e.2.01.01", account_id="DU2")
    wire.execution("e.3.01.01")

    fills = await wire.fills(2)

    assert {(fill.account_id, fill.exec_id) for fill in fills} == {("DU2", "e.2.01.01"), ("DU1", "e.3.01.01")}
    assert "execDetails" in str(wire.session.gaps.unsettled("DU1"))
    assert wire.session.gaps.unsettled("DU2") is None
    assert wire.session.gaps.unsettled_on(["DU1", "DU2"]).startswith("DU1: execDetails")


@pytest.mark.parametrize("price", ["0", "-1", "", "nan", "1.7976931348623157E308"])
async def test_the_price_of_a_busted_execution_says_nothing(wire: Wire, price: str) -> None:
    """It has no shares, so that nobody reckons with it."""
    wire.execution("e.1.01.01")
    wire.execution("e.1.01.02", **{f"at{_SHARES}": "0", f"at{_PRICE}": price})

    fills = await wire.fills(1)

    assert wire.session.gaps.unsettled("DU1") is None
    assert [(fill.exec_id, fill.is_busted) for fill in fills] == [("e.1.01.02", True)]


async def test_a_senseless_execution_in_a_list_of_the_day_raises_no_new_doubt(wire: Wire) -> None:
    """Whoever asked hears of it; were it doubted as well, it would be asked for again for ever."""
    wire.execution("e.1.01.01", at20="nan", at1="12")

    assert wire.session.gaps.unsettled("DU1") is not None
    assert wire.session.doubts == 0


@pytest.mark.parametrize("changed", [{"at21": "71"}, {"at3": "2"}], ids=["another order", "another contract"])
@pytest.mark.parametrize(("first", "other"), [("e" * 5000, "e" * 5000), ("e.01", "e.02"), ("\t", "\t")])
async def test_the_id_of_another_orders_execution_is_no_repetition(
    wire: Wire, first: str, other: str, changed: dict[str, str]
) -> None:
    """Nor a correction: shares of one of the two would be missing. The same execution told again is no news."""
    wire.execution(first)
    wire.execution(first, at1="12")
    assert wire.session.gaps.unsettled("DU1") is None

    wire.execution(other, at2="8", **changed)

    assert "told of order 5:8 too" in str(wire.session.gaps.unsettled("DU1"))
    assert [fill.exec_id for fill in await wire.fills(1)] == [first]


async def test_an_order_that_got_another_number_keeps_its_executions(wire: Wire) -> None:
    """As one that was placed by hand does, when a client binds it."""
    wire.execution("e.1.01.01")
    wire.execution("e.1.01.01", at2="-3")

    assert wire.session.gaps.unsettled("DU1") is None


async def test_an_account_that_nobody_manages_is_not_believed(wire: Wire) -> None:
    """A message that is mangled may be about any."""
    wire.execution("e.1.01.01", account_id="mangled", at20="nan")

    assert wire.session.gaps.unsettled("DU1") is not None
    assert wire.session.gaps.unsettled("DU2") is not None


@pytest.mark.parametrize("word", [*NO_NUMBERS, "-1"])
async def test_a_senseless_count_of_filled_shares_puts_the_orders_of_its_account_in_doubt(
    wire: Wire, word: str
) -> None:
    """It is no count; the status names no account, but the order is known."""
    records = [
        OrderRecord(
            key=OrderKey(5, number),
            account_id=account,
            symbol="TLT",
            side=Side.BUY,
            quantity=Decimal(10),
            order_ref=account,
        )
        for number, account in ((7, "DU1"), (8, "DU2"))
    ]
    for record in records:
        wire.session.orders.add(record)

    wire.status(word)

    assert [record.is_doubtful for record in records] == [True, False]
    assert records[0].told_filled == 0
    assert wire.session.gaps.unsettled("DU2") is None


@pytest.mark.parametrize("word", NO_NUMBERS)
async def test_a_senseless_position_is_none_of_that_size(wire: Wire, word: str) -> None:
    """The answer that it belongs to is incomplete, for its account."""
    wire.position("DU1", "5")
    wire.position("DU1", word)

    assert wire.session.accounts.positions("DU1") == {1: 5}
    assert wire.session.gaps.since(0, frozenset({61}), "DU1") is not None
    assert wire.session.gaps.since(0, frozenset({61}), "DU2") is None


@pytest.mark.parametrize("word", [*NO_NUMBERS, "1e-300"])
async def test_a_senseless_quote_is_no_price(wire: Wire, word: str) -> None:
    """Nor is a bid for so many shares one; what was told before is not true any more."""
    quote = wire.session.quotes.open(1)
    for tick in (TickTold(1, 1, 90.0, 100.0), TickTold(1, 4, 90.0, 100.0)):
        wire.session.receive(tick)

    wire.session.receive(TickTold(1, 1, float(word), 100.0))
    wire.session.receive(TickTold(1, 4, float(word), 100.0))
    wire.session.receive(TickTold(1, 2, 90.0, float(word) if word != "1e-300" else float("nan")))

    assert quote.ticks == {}


def _figures(**changed: str) -> list[AccountFigure]:
    told = {"NetLiquidation": "1000", "TotalCashValue": "100", "SettledCash": "100", "AvailableFunds": "100"}
    return [AccountFigure("DU1", tag, value, "USD") for tag, value in (told | {"BuyingPower": "100"} | changed).items()]


@pytest.mark.parametrize("tag", ["NetLiquidation", "TotalCashValue"])
@pytest.mark.parametrize("word", NO_NUMBERS)
def test_a_senseless_figure_is_missing_and_told(tag: str, word: str) -> None:
    """With what stood in its place."""
    with pytest.raises(SnapshotIncomplete, match=tag) as caught:
        read_values("DU1", _figures(**{tag: word}))

    assert word in str(caught.value)


@pytest.mark.parametrize("rate", ["0", "-1.1", "nan", "1.7976931348623157E308"])
def test_cash_without_a_sensible_rate_is_not_left_out(rate: str) -> None:
    """Nobody knows then what the account has."""
    euros = [AccountFigure("DU1", "CashBalance", "50", "EUR"), AccountFigure("DU1", "ExchangeRate", rate, "EUR")]

    with pytest.raises(SnapshotIncomplete, match="EUR"):
        read_values("DU1", [*_figures(), *euros])


@pytest.mark.parametrize("tick", ["nan", "inf", "1.7976931348623157E308", "-0.01"])
async def test_a_contract_with_a_senseless_tick_is_an_error_that_names_it(tick: str) -> None:
    """No order is rounded by it."""

    async def find(_symbol: str) -> Any:
        return ContractDetails(contract=Contract(conId=1, symbol="TLT"), minTick=float(tick))

    with pytest.raises(BrokerAPIError, match=r"TLT.*minTick"):
        await ContractCache().qualify(DetailsBook(find, lambda: NOON), ["TLT"])


@pytest.mark.parametrize("word", [*NO_NUMBERS, "", "junk"])
def test_a_number_that_is_none_is_not_known(word: str) -> None:
    """Where it may be missing it is, where it may not that is an error which repeats it."""
    assert known_number(word) is None
    with pytest.raises(Senseless, match="the shares"):
        to_shares(word, "the shares")


def test_an_order_may_leave_its_quantity_out() -> None:
    """As orders by amount do; but not by what is no number, which could be anything."""
    assert shares_or_beyond("it", "170141183460469231731687303715884105727") == BEYOND
    for word in ("nan", "inf", "-1"):
        with pytest.raises(Senseless):
            shares_or_beyond("it", word)
    with pytest.raises(Senseless):
        to_decimal("nan")
