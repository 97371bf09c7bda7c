"""The state that outlives a socket: which connection may be resumed, and until when."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.ably.errors import ResumeFailedError


@dataclass(slots=True)
class ConnectionState:
    """One connection as its client knows it; `lost_at` is set (epoch seconds) while it has no socket.

    A client may resume before the service has noticed the end of the old socket: for a moment there are two.
    """

    id: str
    key: str
    sockets: int = 0
    lost_at: float | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The outcome of a connect: a new or a resumed connection, and why a resume failed if it did."""

    state: ConnectionState
    resumed: bool
    error: ResumeFailedError | None = None


class ConnectionRegistry:
    """All connections that are open or may still be resumed."""

    def __init__(self, ttl_seconds: float, clock: Callable[[], float]) -> None:
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._by_key: dict[str, ConnectionState] = {}

    def open(self, resume_key: str | None) -> Opened:
        """Resume the connection of that key when it is still remembered; otherwise begin a new one."""
        self._forget_expired()
        state = self._by_key.get(resume_key) if resume_key else None
        if state is not None:
            state.sockets += 1
            state.lost_at = None
            return Opened(state, resumed=True)
        error = ResumeFailedError("unable to recover connection: it has expired") if resume_key else None
        return Opened(self._begin(), resumed=False, error=error)

    def lost(self, state: ConnectionState) -> None:
        """One socket is gone: with the last one begins the time in which it can be resumed."""
        state.sockets -= 1
        if state.sockets == 0:
            state.lost_at = self._clock()

    def forget(self, state: ConnectionState) -> None:
        """The client has closed it for good."""
        self._by_key.pop(state.key, None)

    def forget_all(self) -> None:
        """No connection can be resumed any more: continuity is lost for everybody."""
        self._by_key.clear()

    def _begin(self) -> ConnectionState:
        connection_id = secrets.token_urlsafe(8)
        state = ConnectionState(connection_id, f"{connection_id}!{secrets.token_urlsafe(16)}", sockets=1)
        self._by_key[state.key] = state
        return state

    def _forget_expired(self) -> None:
        horizon = self._clock() - self._ttl_seconds
        expired = [key for key, state in self._by_key.items() if state.lost_at is not None and state.lost_at < horizon]
        for key in expired:
            del self._by_key[key]
