"""HTTP/1.1 with a limit on how long a client may keep a connection busy without getting on."""

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, ending connections of clients that dribble a request or do not take their answer.

    uvicorn itself bounds only how long a connection lies idle between requests. How long a route waits for a body is
    for the route to bound; here it is the head of a request, and the rest of a body that nobody reads any more.
    """

    patience_seconds: ClassVar[float] = 10.0
    """For the whole head of a request, the unread rest of a body, or the next piece of an answer to be taken."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sending_late: asyncio.TimerHandle | None = None
        self._taking_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Start to wait for the first request."""
        super().connection_made(transport)
        self._watch_sender()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the clock runs on while they are not yet a request."""
        super().data_received(data)
        self._watch_sender()

    def on_response_complete(self) -> None:
        """Start to wait for the next request, or for the rest of this one."""
        super().on_response_complete()
        self._watch_sender()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, unless an answer has begun: then the connection just ends."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            super().send_400_response(msg)
        else:
            self.transport.close()

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is sent."""
        super().pause_writing()
        self._taking_late = self._taking_late or self._abort_later()

    def resume_writing(self) -> None:
        """It has taken some of it."""
        super().resume_writing()
        self._taking_late = _off(self._taking_late)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even when the client never takes what is still to be sent."""
        super().timeout_keep_alive_handler()
        self._taking_late = self._taking_late or self._abort_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop every clock."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._sending_late = _off(self._sending_late)
        self._taking_late = _off(self._taking_late)

    def _watch_sender(self) -> None:
        if not self._is_sender_due():
            self._sending_late = _off(self._sending_late)
        elif self._sending_late is None:
            self._sending_late = self._abort_later()

    def _is_sender_due(self) -> bool:
        """Whether the next thing to happen is that the client sends, and no route waits for it."""
        if self.transport.is_closing():
            return False
        theirs = self.conn.their_state
        return theirs is h11.IDLE or (theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE)

    def _abort_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.patience_seconds, self.transport.abort)


def _off(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
