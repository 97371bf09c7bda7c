"""Account figures and positions as the gateway last told them."""

from decimal import Decimal

from ibkr_connector.messages import AccountFigure, FigureTold, PositionTold, SummaryTold


class AccountFeed:
    """What summary subscriptions, account updates and position updates brought."""

    def __init__(self) -> None:
        self._summaries: dict[int, dict[tuple[str, str, str], AccountFigure]] = {}
        self._listeners: dict[int, Listener] = {}
        self._positions: dict[str, dict[int, Decimal]] = {}
        self._pushed: dict[str, dict[tuple[str, str], AccountFigure]] = {}
        self._since_order: dict[str, dict[tuple[str, str], AccountFigure]] = {}

    def take(self, message: SummaryTold | FigureTold | PositionTold) -> None:
        """Keep the newest of each."""
        match message:
            case SummaryTold(request_id, figure):
                if request_id in self._summaries:
                    self._summaries[request_id][figure.account_id, figure.tag, figure.currency] = figure
            case FigureTold(figure):
                self._push(figure)
                for listener in self._listeners.values():
                    listener.hear(figure)
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

    def listen(self, request_id: int, account_id: str) -> "Listener":
        """Collect pushed figures of this account from now on, none of those pushed before."""
        return self._listeners.setdefault(request_id, Listener(account_id))

    def stop_listening(self, request_id: int) -> None:
        """Collect no more for this request."""
        self._listeners.pop(request_id, None)

    def order_sent(self, account_id: str) -> None:
        """Figures pushed before this order say nothing about what it does."""
        self._since_order[account_id] = {}

    def pushed_since_order(self, account_id: str) -> tuple[AccountFigure, ...] | None:
        """Figures of one account pushed since its last order was sent.

        None when none was sent, or when this account's figures are not pushed at all.
        """
        if account_id not in self._pushed or account_id not in self._since_order:
            return None
        return tuple(self._since_order[account_id].values())

    def pushed(self, account_id: str) -> tuple[AccountFigure, ...]:
        """Every figure of one account that was ever pushed, as last told: only changes are pushed again."""
        return tuple(self._pushed.get(account_id, {}).values())

    def positions(self, account_id: str) -> dict[int, Decimal]:
        """Quantity by contract id as last told, closed positions included as 0."""
        return dict(self._positions.get(account_id, {}))

    def _push(self, figure: AccountFigure) -> None:
        self._pushed.setdefault(figure.account_id, {})[figure.tag, figure.currency] = figure
        if figure.account_id in self._since_order:
            self._since_order[figure.account_id][figure.tag, figure.currency] = figure


class Listener:
    """Figures of one account pushed since somebody began to listen."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._figures: dict[tuple[str, str], AccountFigure] = {}

    @property
    def figures(self) -> tuple[AccountFigure, ...]:
        """The newest of each."""
        return tuple(self._figures.values())

    def hear(self, figure: AccountFigure) -> None:
        """Keep a figure of this account."""
        if figure.account_id == self._account_id:
            self._figures[figure.tag, figure.currency] = figure
