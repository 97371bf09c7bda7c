"""The books of one account at a paper brokerage."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from broker_connector_base.models import AccountPosition, AccountSnapshot, Fill, Side
from broker_connector_base.testing.paper_spec import PaperAccount, paper_contract_id, paper_position


class PaperLedger:
    """Cash and positions, changed by fills only. Reported cash may lag behind the real one."""

    def __init__(self, spec: PaperAccount) -> None:
        self.spec = spec
        self.cash = spec.cash
        self._settled = spec.cash if spec.settled_cash is None else spec.settled_cash
        self._positions = {position.contract_id: position for position in spec.positions}
        self.day_trades_remaining = spec.day_trades_remaining
        self._held_back: tuple[Decimal, Decimal] | None = None

    @property
    def reported_cash(self) -> Decimal:
        """What the brokerage says the cash is."""
        return self.cash if self._held_back is None else self._held_back[0]

    @property
    def positions(self) -> tuple[AccountPosition, ...]:
        """Everything held, without closed positions."""
        return tuple(position for position in self._positions.values() if position.quantity != 0)

    def shares(self, symbol: str) -> Decimal:
        """Shares of a US stock, negative when short."""
        position = self._positions.get(paper_contract_id(symbol))
        return position.quantity if position else Decimal(0)

    def apply(self, fill: Fill) -> None:
        """Book one execution. A purchase uses settled cash; the proceeds of a sale have not settled."""
        self.cash += fill.cash_effect
        self._settled += min(fill.cash_effect, Decimal(0))
        position = paper_position(fill.symbol, self.shares(fill.symbol) + fill.side.sign * fill.quantity)
        self._positions[position.contract_id] = position

    def revise(self, old: Fill, new: Fill) -> None:
        """Book a corrected execution in place of the one that it corrects."""
        change = new.cash_effect - old.cash_effect
        self.cash += change
        self._settled += change if new.side is Side.BUY else Decimal(0)
        quantity = self.shares(new.symbol) + new.side.sign * (new.quantity - old.quantity)
        position = paper_position(new.symbol, quantity)
        self._positions[position.contract_id] = position

    def settle(self) -> None:
        """Let everything settle, as a night does."""
        self._settled = self.cash

    def hold_back_cash(self) -> None:
        """Report the cash of this moment until it is released."""
        self._held_back = (self.cash, self._settled)

    def release_cash(self) -> None:
        """Report the real cash again."""
        self._held_back = None

    def snapshot(self, prices: Mapping[str, Decimal], taken_at: datetime) -> AccountSnapshot:
        """The account as the brokerage reports it; positions without a price count by `unmanaged_value`."""
        reported, settled = self._held_back or (self.cash, self._settled)
        return AccountSnapshot(
            account_id=self.spec.account_id,
            net_liquidation=self.net_liquidation(prices),
            cash=reported,
            settled_cash=settled,
            is_cash_account=self.spec.is_cash_account,
            other_cash=self.spec.other_cash,
            positions=self.positions,
            taken_at=taken_at,
            day_trades_remaining=self.day_trades_remaining,
        )

    def net_liquidation(self, prices: Mapping[str, Decimal]) -> Decimal:
        """US dollars of everything, at these prices."""
        stocks = (held.quantity * prices.get(held.symbol, Decimal(0)) for held in self.positions if held.is_tradeable)
        return self.cash + self.spec.other_cash + self.spec.unmanaged_value + sum(stocks, Decimal(0))
