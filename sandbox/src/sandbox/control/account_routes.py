"""Accounts, orders and the journal: the truth that a rebalancer should arrive at."""

from collections.abc import Sequence
from typing import cast, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.control.bodies import DepositBody, OrderBody
from sandbox.control.errors import FieldError
from sandbox.control.http import number_param, parse, reply, route
from sandbox.world import JournalKind, OrderState, World

MAX_JOURNAL_PAGE = 10_000
MAX_SEQ = 10**12


class AccountRoutes:
    """`/control/accounts`, `/control/orders` and `/control/journal`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The routes of this topic."""
        return [
            route("/accounts", self._accounts),
            route("/accounts/{account}", self._account),
            route("/accounts/{account}/deposit", self._deposit, "POST"),
            route("/orders", self._open_orders),
            route("/orders", self._place, "POST"),
            route("/journal", self._journal),
        ]

    async def _accounts(self, _request: Request) -> Response:
        states = [self._world.account_state(account) for account in self._world.accounts]
        summaries = [
            {"account_id": state.account_id, "cash": state.cash, "net_liquidation": state.net_liquidation}
            for state in states
        ]
        return reply({"accounts": summaries})

    async def _account(self, request: Request) -> Response:
        return reply(self._world.account_state(request.path_params["account"]))

    async def _deposit(self, request: Request) -> Response:
        account = request.path_params["account"]
        self._world.account_state(account)
        body = await parse(request, DepositBody)
        if body.currency not in (None, "USD", *self._world.parts.spec.fx):
            raise FieldError(f"the world has no exchange rate for {body.currency}", "currency")
        self._world.deposit(account, body.amount, body.currency)
        return reply(self._world.account_state(account))

    async def _open_orders(self, _request: Request) -> Response:
        return reply({"orders": self._world.open_orders()})

    async def _place(self, request: Request) -> Response:
        return reply(_placed(self._world, await parse(request, OrderBody)), 201)

    async def _journal(self, request: Request) -> Response:
        since = int(number_param(request, "since", 0, (0, MAX_SEQ)))
        limit = int(number_param(request, "limit", MAX_JOURNAL_PAGE, (1, MAX_JOURNAL_PAGE)))
        kinds = _kinds(request.query_params.getlist("kind"))
        entries = [entry for entry in self._world.journal.since(since) if not kinds or entry.kind in kinds][:limit]
        return reply({"entries": entries, "last_seq": len(self._world.journal)})


def _placed(world: World, body: OrderBody) -> OrderState:
    fixed = {"account", "symbol", "side", "quantity", "client_id"}
    more = body.model_dump(exclude=fixed, exclude_none=True)
    if body.client_id is None:
        return world.place_manual_order(
            account=body.account, symbol=body.symbol, side=body.side, quantity=body.quantity, **more
        )
    return world.place_foreign_order(
        body.client_id, account=body.account, symbol=body.symbol, side=body.side, quantity=body.quantity, **more
    )


def _kinds(names: Sequence[str]) -> frozenset[JournalKind]:
    unknown = set(names) - set(get_args(JournalKind))
    if unknown:
        raise FieldError(f"the journal has no entries of kind {min(unknown)}", "kind")
    return frozenset(cast("Sequence[JournalKind]", names))
