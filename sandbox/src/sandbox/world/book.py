"""Every order of the day, found by its owner's number or by its permanent one; and the numbers themselves."""

import itertools
from collections.abc import Iterator
from datetime import datetime

from sandbox.world.orders import Order

_PERM_IDS_A_SECOND = 1_000
_PERM_ID_SECONDS = 2_000_000
MANUAL_CLIENT_ID = 0
"""Orders placed by hand belong to client 0, once it binds them."""


class OrderBook:
    """Order ids live in the space of their client id; permanent ids are unique, also among books started later."""

    def __init__(self, started: datetime) -> None:
        seconds = int(started.timestamp()) % _PERM_ID_SECONDS
        self._perm_ids = itertools.count(1 + seconds * _PERM_IDS_A_SECOND)
        self._bound_ids = itertools.count(-1, -1)
        self._all: dict[int, Order] = {}
        self._by_owner: dict[tuple[int, int], Order] = {}
        self._next_ids: dict[int, int] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._all.values()))

    def next_perm_id(self) -> int:
        return next(self._perm_ids)

    def next_id(self, client_id: int) -> int:
        """The lowest order id that this client has not used up."""
        return self._next_ids.get(client_id, 1)

    def add(self, order: Order) -> None:
        """Enter an order. Ids up to its own are used up for its client."""
        self._all[order.perm_id] = order
        if order.order_id > 0:
            self._by_owner[order.client_id, order.order_id] = order
            self._next_ids[order.client_id] = max(self.next_id(order.client_id), order.order_id + 1)

    def owned(self, client_id: int, order_id: int) -> Order | None:
        """The order that this number means to this client."""
        return self._by_owner.get((client_id, order_id))

    def listed(self, client_id: int | None = None) -> list[Order]:
        """Orders that an open-order request lists: everyone's, or those of one client."""
        return [o for o in self if not o.is_done and not o.silent and client_id in (None, _owner(o))]

    def open_in(self, account: str) -> list[Order]:
        """Orders of one account that may still fill."""
        return [o for o in self if o.account == account and o.can_fill]

    def bind_manual(self) -> list[Order]:
        """Give every unbound manual order a negative id of client 0, so that it can be cancelled; returns those."""
        unbound = [order for order in self if order.manual and order.order_id == 0 and not order.is_done]
        for order in unbound:
            order.order_id = next(self._bound_ids)
            self._by_owner[MANUAL_CLIENT_ID, order.order_id] = order
        return unbound


def _owner(order: Order) -> int | None:
    """The client whose own list shows the order; none for orders by hand that nobody has bound."""
    return None if order.manual and order.order_id == 0 else order.client_id
