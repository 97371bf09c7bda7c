"""Snapshots of an account whose cash is slower than its positions."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from ib_async import Contract, Position

from broker_connector_base import Fill, Side
from ibkr_connector.account_feed import Listener
from ibkr_connector.cash_ledger import CashLedger
from ibkr_connector.messages import AccountFigure, ExecutionTold, OrderKey, PositionTold
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings
from ibkr_connector.snapshot import SnapshotReader

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
Figures = tuple[AccountFigure, ...]


def _figures(cash: int) -> Figures:
    values = {"NetLiquidation": 10_000, "TotalCashValue": cash, "SettledCash": cash}
    values |= {"AvailableFunds": cash, "BuyingPower": 4 * cash}
    return tuple(AccountFigure("DU1", tag, str(value), "USD") for tag, value in values.items())


class _Account(Requests):
    """An account whose cash figures are scripted, one an answer; the last one stays."""

    def __init__(self, session: GatewaySession, held: int, *cash: int) -> None:
        super().__init__(session)
        self.held = held
        self.cash = list(cash)
        self.answers = 0
        self.unheard: list[ExecutionTold] = []
        """Executions that are told only when asked for, as those of other clients are."""

    async def executions(self, account_id: str) -> None:
        assert account_id == "DU1"
        for execution in self.unheard:
            self._session.receive(execution)

    async def positions(self, account_id: str = "") -> list[Position]:
        contract = Contract(conId=7, symbol="SPY", secType="STK", currency="USD")
        return [Position(account_id, contract, self.held, 10.0)]

    async def account_summary(self, account_id: str) -> Figures:
        assert account_id == "DU1"
        self.answers += 1
        return _figures(self.cash.pop(0) if len(self.cash) > 1 else self.cash[0])

    @asynccontextmanager
    async def account_updates(self, account_id: str) -> AsyncGenerator[Listener]:
        assert account_id == "DU1"
        yield Listener(account_id)


def _sell(quantity: int, exec_id: str, client_id: int = 5) -> ExecutionTold:
    return ExecutionTold(
        exec_id=exec_id,
        key=OrderKey(client_id, 12),
        perm_id=1,
        order_ref="ref",
        account_id="DU1",
        contract_id=7,
        symbol="SPY",
        side=Side.SELL,
        quantity=Decimal(quantity),
        price=Decimal(100),
        executed_at=NOW,
    )


async def _pause(_seconds: float) -> None:
    raise AssertionError("nothing to settle here")


@pytest.fixture
async def session() -> GatewaySession:
    """A session that was told of 100 shares."""
    settings = IBKRConnectionSettings(
        host="h", port=1, client_id=5, trading_mode="paper", settle_seconds=0.05, settle_timeout_seconds=0.1
    )
    session = GatewaySession(settings, lambda: NOW)
    session.receive(PositionTold("DU1", 7, Decimal(100)))
    return session


def _reader(session: GatewaySession, account: _Account) -> SnapshotReader:
    reader = SnapshotReader(session, account, now=lambda: NOW, pause=_pause)
    reader.begin(frozenset({"DU1"}))
    return reader


async def test_cash_that_lags_is_waited_for(session: GatewaySession) -> None:
    """After selling 10 shares at 100 the first figure is still the old one; the snapshot has the new one."""
    account = _Account(session, 100, 1000, 1000, 2000)
    reader = _reader(session, account)
    before = await reader.read("DU1")
    session.receive(_sell(10, "a.b.1.01"))
    account.held = 90

    after = await reader.read("DU1")

    assert (before.cash, after.cash) == (1000, 2000)
    assert after.positions[0].quantity == 90


async def test_cash_that_stays_is_taken_as_it_is(session: GatewaySession) -> None:
    """Money may have left the account: after the moment the figure counts, and is not waited for again."""
    account = _Account(session, 100, 1000)
    reader = _reader(session, account)
    await reader.read("DU1")
    session.receive(_sell(10, "a.b.1.01"))
    account.held = 90
    late = await reader.read("DU1")
    asked = account.answers

    again = await reader.read("DU1")

    assert (late.cash, again.cash) == (1000, 1000)
    assert account.answers == asked + 1


async def test_trades_of_others_are_not_counted(session: GatewaySession) -> None:
    """They may be in any currency; the figure is taken at once."""
    account = _Account(session, 100, 1000)
    reader = _reader(session, account)
    await reader.read("DU1")
    session.receive(_sell(10, "a.b.1.01", client_id=77))
    account.held = 90

    await reader.read("DU1")

    assert account.answers == 2


async def test_no_share_is_agreed_on_without_its_execution(session: GatewaySession) -> None:
    """A trade of others that is in the positions is in the executions asked for after them, and not expected twice."""
    account = _Account(session, 100, 1000)
    reader = _reader(session, account)
    await reader.read("DU1")
    execution = _sell(10, "a.b.1.01", client_id=77)
    account.held, account.unheard = 90, [execution]
    await reader.read("DU1")
    session.receive(execution)

    snapshot = await reader.read("DU1")

    assert snapshot.positions[0].quantity == 90


@pytest.mark.parametrize(
    ("cash", "lags"),
    [("1000", True), ("2000", False), ("1999", False), ("1986", False), ("1984", True), ("2016", True)],
)
def test_a_figure_lags_when_it_is_far_from_the_expected_one(cash: str, lags: bool) -> None:
    """Commissions are tolerated, a missing fill is not."""
    ledger = CashLedger()
    ledger.agree(Decimal(1000), [])
    fill = Fill(
        exec_id="a.b.1.01",
        order_ref="ref",
        account_id="DU1",
        symbol="SPY",
        side=Side.SELL,
        quantity=Decimal(10),
        price=Decimal(100),
        executed_at=NOW,
    )

    assert ledger.lags(Decimal(cash), [fill]) is lags


def test_without_fills_or_agreement_nothing_lags() -> None:
    """Deposits are nobody's lag."""
    ledger = CashLedger()
    fresh = ledger.lags(Decimal(1), [])
    ledger.agree(Decimal(1000), [])

    assert not fresh
    assert not ledger.lags(Decimal(5), [])
