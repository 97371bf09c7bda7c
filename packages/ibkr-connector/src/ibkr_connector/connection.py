"""Opening a session: a bounded number of tries at fixed delays."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from ib_async import StartupFetch

from broker_connector_base import BrokerConnectionError, ClientIdInUse
from ibkr_connector.messages import ErrorTold
from ibkr_connector.pace import Pace
from ibkr_connector.session import GatewaySession
from ibkr_connector.settings import IBKRConnectionSettings

_EVERYTHING: Final = StartupFetch.POSITIONS | StartupFetch.ORDERS_OPEN | StartupFetch.EXECUTIONS

_MOST_CANCELLATIONS: Final = 10
_CANCELLATION_SECONDS: Final = 0.1


async def open_session(
    settings: IBKRConnectionSettings,
    *,
    now: Callable[[], datetime],
    pause: Callable[[float], Awaitable[None]],
) -> GatewaySession:
    """A session in which accounts, positions, open orders and executions have been received once.

    Raises:
        ClientIdInUse: at the last try another session still held our client id, which may be the gateway's memory of
            our own last one. No other id is tried: only ours may cancel what we placed.
        BrokerConnectionError: every try failed.
    """
    failure: BrokerConnectionError | None = None
    for attempt in range(settings.connect_tries):
        if attempt:
            await pause(settings.connect_delay_seconds)
        try:
            session = await _try_to_open(settings, now)
        except BrokerConnectionError as error:
            failure = error
        else:
            _subscribe(session)
            return session
    kind = ClientIdInUse if isinstance(failure, ClientIdInUse) else BrokerConnectionError
    raise kind(f"{failure}; gave up after {settings.connect_tries} tries") from failure


async def open_session_of(
    client_id: int, settings: IBKRConnectionSettings, *, now: Callable[[], datetime], pace: Pace
) -> GatewaySession:
    """A session under somebody else's client id, in which that client's open orders have been received once.

    One try. Client 0 has the orders placed by hand bound to it, so that they get numbers and can be cancelled.

    Raises:
        ClientIdInUse: its owner is connected.
        BrokerConnectionError: it could not be opened.
    """
    session = GatewaySession(replace(settings, client_id=client_id), now, pace)
    return await _open(session, is_read_only=False, fetch=StartupFetch.ORDERS_OPEN)


async def _try_to_open(settings: IBKRConnectionSettings, now: Callable[[], datetime]) -> GatewaySession:
    try:
        return await _open(GatewaySession(settings, now), is_read_only=False, fetch=_EVERYTHING)
    except _OrdersRefused:
        return await _open(GatewaySession(settings, now), is_read_only=True, fetch=_EVERYTHING)


async def _open(session: GatewaySession, *, is_read_only: bool, fetch: StartupFetch) -> GatewaySession:
    settings = session.settings
    session.is_read_only = is_read_only
    attempt = asyncio.ensure_future(_synchronize(session, is_read_only=is_read_only, fetch=fetch))
    endings: set[asyncio.Future[Any]] = {attempt, session.lost}
    refusal = None if is_read_only else session.next_refusal()
    if refusal is not None:
        endings.add(refusal)
    try:
        await asyncio.wait(endings, timeout=settings.connect_timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        _require_success(session, attempt, refusal)
    except BaseException:
        # In a task of its own: a caller who is cancelled once more must not leave our client id occupied.
        session.giving_up = asyncio.create_task(_give_up(session, attempt))
        await asyncio.shield(session.giving_up)
        raise
    return session


async def _give_up(session: GatewaySession, attempt: asyncio.Future[None]) -> None:
    """End the attempt and its connection. A cancellation may get lost in it, at the moment in which a wait ends."""
    session.end("could not connect")
    for _ in range(_MOST_CANCELLATIONS):
        attempt.cancel()
        if (await asyncio.wait({attempt}, timeout=_CANCELLATION_SECONDS))[0]:
            break
    await session.close("could not connect")
    if attempt.done() and not attempt.cancelled():
        attempt.exception()  # retrieved; why connecting failed is known already


async def _synchronize(session: GatewaySession, *, is_read_only: bool, fetch: StartupFetch) -> None:
    settings = session.settings
    await session.ib.connectAsync(
        settings.host,
        settings.port,
        settings.client_id,
        timeout=settings.connect_timeout_seconds,
        readonly=is_read_only,
        raiseSyncErrors=True,
        fetchFields=fetch,
    )


def _subscribe(session: GatewaySession) -> None:
    session.ib.reqMarketDataType(session.settings.market_data_type)
    if len(accounts := session.ib.managedAccounts()) == 1:
        # Figures pushed after trades; not waited for, and possible for one account at a time only.
        session.raw.reqAccountUpdates(subscribe=True, acctCode=accounts[0])


def _require_success(
    session: GatewaySession, attempt: asyncio.Future[None], refusal: asyncio.Future[ErrorTold] | None
) -> None:
    settings = session.settings
    if session.is_client_id_in_use:
        raise ClientIdInUse(
            f"client id {settings.client_id} is in use by another session at {settings.address}: end that session, or "
            "configure another id",
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
