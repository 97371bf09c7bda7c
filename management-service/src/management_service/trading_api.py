"""Routes of the switch that stops and restarts trading."""

from http import HTTPStatus
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi import Path as PathParameter

from event_queue.outcomes import EVERY_ACCOUNT
from management_service.auth import RequireKey
from management_service.dependencies import Dependencies, Injected
from management_service.errors import Refused
from management_service.history import read_pauses_if_reachable
from management_service.problems import Problem
from management_service.responses import problems
from management_service.scopes import ALL, queue_scope
from management_service.trading_schemas import NewPause, PauseDocument, TradingDocument, history_of
from management_service.typed_body import body_of, described

router = APIRouter(prefix="/trading", tags=["trading"])

_log = structlog.get_logger(__name__)

_Scope = Annotated[
    str,
    PathParameter(min_length=1, max_length=50, description="An account's id, or `all`.", examples=["DU123456", ALL]),
]


@router.get("", responses=problems(503))
async def get_trading(dependencies: Injected) -> TradingDocument:
    """Whether trading is paused, for whom and why, with the latest switchings when PostgreSQL can be asked."""
    pauses = await dependencies.trading.read()
    records = await read_pauses_if_reachable(dependencies.audit)
    return TradingDocument(
        paused=EVERY_ACCOUNT in pauses,
        pauses=[PauseDocument.of(pause) for pause in pauses.values()],
        history=None if records is None else history_of(records),
    )


@router.put(
    "/pauses/{scope}",
    dependencies=[RequireKey],
    responses=problems(400, 401, 404, 408, 413, 415, 422, 429, 503),
    openapi_extra=described(NewPause),
)
async def pause_trading(
    scope: _Scope, request: Annotated[NewPause, Depends(body_of(NewPause))], dependencies: Injected
) -> PauseDocument:
    """Let no order of the account, or of any, go out until trading is resumed.

    It bites before the next order; orders at the brokerage stay there, and `cancel-orders` goes on. What would trade
    waits; previews and prints go on. Pausing again replaces the reason.
    """
    if scope != ALL and not _is_configured(scope, dependencies):
        raise Refused(_unknown(scope))
    pause = await dependencies.trading.pause(queue_scope(scope), actor="api", reason=request.reason)
    _log.warning("trading_paused", scope=scope, reason=request.reason)
    return PauseDocument.of(pause)


@router.delete("/pauses/{scope}", dependencies=[RequireKey], responses=problems(401, 404, 422, 429, 503))
async def resume_trading(scope: _Scope, dependencies: Injected) -> PauseDocument:
    """Lift a pause; events that waited for it run at once, unless another pause covers them. Answers the pause."""
    is_the_queues_word = scope == EVERY_ACCOUNT  # clients say `all`; a shell may leave a `*` in an address
    lifted = None if is_the_queues_word else await dependencies.trading.resume(queue_scope(scope), actor="api")
    if lifted is None:
        raise Refused(_not_paused(scope))
    _log.warning("trading_resumed", scope=scope)
    return PauseDocument.of(lifted)


def _is_configured(account_id: str, dependencies: Dependencies) -> bool:
    return account_id in dependencies.accounts.by_id or account_id in dependencies.accounts.disabled


def _unknown(scope: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"{scope} is not an account of accounts.yaml, so nothing was paused; `{ALL}` pauses every account",
        kind="unknown-account",
        title="No such account",
    )


def _not_paused(scope: str) -> Problem:
    return Problem(
        HTTPStatus.NOT_FOUND,
        f"trading is not paused for {scope}; GET /trading lists the pauses",
        kind="not-paused",
        title="Trading is not paused",
    )
