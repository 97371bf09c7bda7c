"""Account figures and positions as the gateway last told them."""

from decimal import Decimal

from ibkr_connector.messages import AccountFigure, FigureTold, PositionTold, SummaryTold


class AccountFeed:
    """What summary subscriptions, account updates and position updates brought."""

    def __init__(self) -> None:
        self._summaries: dict[int, dict[tuple[str, str, str], AccountFigure]] = {}
        self._updates: dict[str, dict[tuple[str, str], AccountFigure]] = {}
        self._positions: dict[str, dict[int, Decimal]] = {}

    def take(self, message: SummaryTold | FigureTold | PositionTold) -> None:
        """Keep the newest of each."""
        match message:
            case SummaryTold(request_id, figure):
                if request_id in self._summaries:
                    self._summaries[request_id][figure.account_id, figure.tag, figure.currency] = figure
            case FigureTold(figure):
                if figure.account_id in self._updates:
                    self._updates[figure.account_id][figure.tag, figure.currency] = figure
            case PositionTold(account_id, contract_id, quantity):
                self._positions.setdefault(account_id, {})[contract_id] = quantity

    def open_summary(self, request_id: int) -> None:
        """Collect the answers to this request from now on."""
        self._summaries[request_id] = {}

    def close_summary(self, request_id: int) -> None:
        """Forget them."""
        self._summaries.pop(request_id, None)

    def summary(self, request_id: int, account_id: str) -> tuple[AccountFigure, ...]:
        """Figures of one account that this request has brought so far."""
        collected = self._summaries.get(request_id, {})
        return tuple(figure for figure in collected.values() if figure.account_id == account_id)

    def open_updates(self, account_id: str) -> None:
        """Collect pushed figures of this account from now on, none of those pushed before."""
        self._updates[account_id] = {}

    def close_updates(self, account_id: str) -> None:
        """Forget them."""
        self._updates.pop(account_id, None)

    def updates(self, account_id: str) -> tuple[AccountFigure, ...]:
        """Figures pushed since `open_updates`."""
        return tuple(self._updates.get(account_id, {}).values())

    def positions(self, account_id: str) -> dict[int, Decimal]:
        """Quantity by contract id as last told, closed positions included as 0."""
        return dict(self._positions.get(account_id, {}))
