"""A list of open orders while it is under way."""

from ibkr_connector.messages import OrderKey, OrderListed, StatusTold
from ibkr_connector.order_book import OrderBook
from ibkr_connector.order_record import OVER


class Listing:
    """What is said of orders from the request for the list to its end."""

    def __init__(self) -> None:
        self._orders: dict[OrderKey, OrderListed] = {}
        self._statuses: dict[OrderKey, StatusTold] = {}

    @property
    def orders(self) -> list[OrderListed]:
        """The latest word on each."""
        return list(self._orders.values())

    def take(self, message: OrderListed | StatusTold) -> None:
        """Note what was said."""
        match message:
            case OrderListed():
                self._orders[message.key] = message
            case StatusTold():
                self._statuses[message.key] = message

    def unlisted(self, book: OrderBook) -> StatusTold | None:
        """An order that was told to be alive, is not known to have ended since, and is not in the list."""
        alive = (each for each in self._statuses.values() if each.status not in OVER and not self._has(each))
        return next((each for each in alive if not ((record := book.get(each.key)) and record.is_final)), None)

    def _has(self, told: StatusTold) -> bool:
        return told.key in self._orders or any(
            told.perm_id and told.perm_id == each.perm_id for each in self._orders.values()
        )
