"""A session with everything that follows and ends orders over it."""

from dataclasses import dataclass
from typing import Self

from ibkr_connector.cancel import Canceller
from ibkr_connector.order_follower import OrderFollower
from ibkr_connector.reconciliation import Reconciler
from ibkr_connector.requests import Requests
from ibkr_connector.session import GatewaySession


@dataclass(frozen=True, slots=True)
class Line:
    """One connection under one client id, fit for that client's orders."""

    session: GatewaySession
    requests: Requests
    reconciler: Reconciler
    follower: OrderFollower
    canceller: Canceller

    @classmethod
    def over(cls, session: GatewaySession) -> Self:
        """Everything that works over this session."""
        requests = Requests(session)
        reconciler = Reconciler(session, requests)
        follower = OrderFollower(session, reconciler)
        return cls(session, requests, reconciler, follower, Canceller(session, follower, reconciler))
