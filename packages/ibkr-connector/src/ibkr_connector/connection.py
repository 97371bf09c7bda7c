"""Opening a session: a bounded number of tries at fixed delays."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from ib_async import StartupFetch

from broker_connector_base import BrokerConnectionError, ClientIdInUse
from ibkr_connector.messages import ErrorTold
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings

_FETCH = StartupFetch.POSITIONS | StartupFetch.ORDERS_OPEN | StartupFetch.EXECUTIONS


async def open_session(
    settings: IBKRConnectionSettings,
    *,
    now: Callable[[], datetime],
    pause: Callable[[float], Awaitable[None]],
) -> GatewaySession:
    """A session in which accounts, positions, open orders and executions have been received once.

    Raises:
        ClientIdInUse: another session holds our client id; not tried again, for it would only fail again.
        BrokerConnectionError: every try failed.
    """
    failure: BrokerConnectionError | None = None
    for attempt in range(settings.connect_tries):
        if attempt:
            await pause(settings.connect_delay_seconds)
        try:
            return await _try_to_open(settings, now)
        except ClientIdInUse:
            raise
        except BrokerConnectionError as error:
            failure = error
    raise BrokerConnectionError(f"{failure}; gave up after {settings.connect_tries} tries") from failure


async def _try_to_open(settings: IBKRConnectionSettings, now: Callable[[], datetime]) -> GatewaySession:
    try:
        return await _open(settings, now, is_read_only=False)
    except _OrdersRefused:
        return await _open(settings, now, is_read_only=True)


async def _open(settings: IBKRConnectionSettings, now: Callable[[], datetime], *, is_read_only: bool) -> GatewaySession:
    session = GatewaySession(settings, now)
    session.is_read_only = is_read_only
    attempt = asyncio.ensure_future(_synchronize(session, is_read_only=is_read_only))
    endings: set[asyncio.Future[Any]] = {attempt, session.lost}
    refusal = None if is_read_only else session.next_refusal()
    if refusal is not None:
        endings.add(refusal)
    try:
        await asyncio.wait(endings, timeout=settings.connect_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        _require_success(session, attempt, refusal)
    except BaseException:
        attempt.cancel()
        await asyncio.wait({attempt}, timeout=1.0)
        await session.close("could not connect")
        raise
    return session


async def _synchronize(session: GatewaySession, *, is_read_only: bool) -> None:
    settings = session.settings
    await session.ib.connectAsync(
        settings.host,
        settings.port,
        settings.client_id,
        timeout=settings.connect_timeout_seconds,
        readonly=is_read_only,
        raiseSyncErrors=True,
        fetchFields=_FETCH,
    )
    session.ib.reqMarketDataType(settings.market_data_type)
    if len(accounts := session.ib.managedAccounts()) == 1:
        # Figures pushed after trades; not waited for, and possible for one account at a time only.
        session.raw.reqAccountUpdates(subscribe=True, acctCode=accounts[0])


def _require_success(
    session: GatewaySession, attempt: asyncio.Future[None], refusal: asyncio.Future[ErrorTold] | None
) -> None:
    settings = session.settings
    if session.is_client_id_in_use:
        raise ClientIdInUse(
            f"client id {settings.client_id} is in use at {settings.address}: end the other session, or configure "
            "another id",
        )
    if refusal and refusal.done():
        raise _OrdersRefused(f"cannot connect to {settings.address}: {refusal.result()}")
    if session.lost.done():
        raise BrokerConnectionError(f"cannot connect to {settings.address}: {session.lost.result()}")
    if not attempt.done():
        limit = settings.connect_timeout_seconds
        raise BrokerConnectionError(f"cannot connect to {settings.address}: not ready within {limit:g} s")
    if error := attempt.exception():
        raise BrokerConnectionError(f"cannot connect to {settings.address}: {error!r}") from error


class _OrdersRefused(BrokerConnectionError):
    """The gateway refused a request of the first synchronization, as a read-only API does."""
