"""Accounts: the true ledger of each, and the one that clients are shown, which may lag behind."""

from collections.abc import Callable
from decimal import Decimal

from sandbox.world.errors import UnknownAccountError
from sandbox.world.events import AccountChanged, EventHub
from sandbox.world.ledger import Holding, Ledger, Trade
from sandbox.world.spec import AccountSpec, WorldSpec
from sandbox.world.timers import Timers


class Account:
    """One account: its terms, the truth, and what clients see."""

    def __init__(self, spec: AccountSpec, ledger: Ledger) -> None:
        self.spec = spec
        self.ledger = ledger
        self.shown = ledger

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def settles_at_once(self) -> bool:
        """Margin accounts may use proceeds freely, so settlement is not told apart."""
        return self.spec.kind == "margin"


class Accounts:
    """All accounts of the world, and the only place where their ledgers change.

    Clients are shown a change after the lag, at the earliest once the messages about its cause are out.
    """

    def __init__(self, spec: WorldSpec, hub: EventHub, timers: Timers, lag_ms: Callable[[], int]) -> None:
        self._hub = hub
        self._timers = timers
        self._lag_ms = lag_ms
        self._by_id = {account.id: Account(account, _opening(account, spec)) for account in spec.accounts}

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._by_id)

    def __contains__(self, account_id: str) -> bool:
        return account_id in self._by_id

    def get(self, account_id: str) -> Account:
        """The account of this id.

        Raises:
            UnknownAccountError: the world has none.
        """
        if account_id not in self._by_id:
            raise UnknownAccountError(account_id)
        return self._by_id[account_id]

    def book(self, account_id: str, trade: Trade) -> Decimal:
        """Book a fill and return the result that it realized."""
        account = self.get(account_id)
        con_id = trade.instrument.con_id
        before = account.ledger.holdings.get(con_id)
        after = account.ledger.after(trade, settles_at_once=account.settles_at_once)
        self._replace(account, after, (con_id,))
        return after.holdings[con_id].realized - (before.realized if before else Decimal(0))

    def correct(self, account_id: str, wrong: Trade, right: Trade) -> None:
        """Book `right` in place of `wrong`, which was booked before."""
        account = self.get(account_id)
        self._replace(account, account.ledger.corrected(wrong, right), (wrong.instrument.con_id,))

    def deposit(self, account_id: str, amount: Decimal, currency: str | None = None) -> None:
        """Pay money in, or with a negative amount out."""
        account = self.get(account_id)
        self._replace(account, account.ledger.deposited(currency or account.spec.currency, amount), ())

    def _replace(self, account: Account, ledger: Ledger, con_ids: tuple[int, ...]) -> None:
        account.ledger = ledger

        def show() -> None:
            account.shown = ledger
            self._hub.publish(AccountChanged(account.id, con_ids))

        self._timers.after(self._lag_ms(), show)


def _opening(account: AccountSpec, spec: WorldSpec) -> Ledger:
    settled = account.cash if account.settled_cash is None else account.settled_cash
    holdings: dict[int, Holding] = {}
    for position in account.positions:
        instrument = spec.instrument_of(position)
        cost = instrument.price * instrument.multiplier if position.avg_cost is None else position.avg_cost
        holdings[instrument.con_id] = Holding(instrument, position.quantity, cost)
    return Ledger(
        cash={account.currency: account.cash, **account.other_cash},
        unsettled={account.currency: account.cash - settled},
        holdings=holdings,
    )
