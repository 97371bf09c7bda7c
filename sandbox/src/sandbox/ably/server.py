"""The simulated Ably service on one port, and the handles by which a test makes it misbehave."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from sandbox.ably import frames, session
from sandbox.ably.errors import AblyError, InvalidCredentialsError
from sandbox.ably.hub import Hub
from sandbox.ably.line import Line
from sandbox.ably.messages import Draft
from sandbox.ably.rest import RestApi, answer_error
from sandbox.ably.spec import AblySpec
from sandbox.listener import Listener


class AblyServer:
    """Realtime and REST for `ably.AblyRealtime` and `ably.AblyRest` with `endpoint=server.endpoint, tls=False`.

    An async context manager; every method has to be called in the event loop that started it. `clock` gives epoch
    seconds, for retention, tokens and resume.
    """

    def __init__(
        self,
        spec: AblySpec | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.spec = spec or AblySpec()
        self._host = host
        self._hub = Hub(self.spec, clock)
        self._line = Line(self._build_app())
        self._listener = Listener(self._line, host, port)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        await self._listener.start()

    async def stop(self) -> None:
        """Stop listening and drop everybody; returns when nothing is left running."""
        self._listener.drop_connections()
        self._line.heal()
        await self._listener.stop()

    @property
    def port(self) -> int:
        """The port of websocket and REST."""
        return self._listener.port

    @property
    def endpoint(self) -> str:
        """The SDK's `endpoint` option: with its trailing slash it serves websocket and REST alike."""
        return f"{self._host}:{self.port}/"

    @property
    def key(self) -> str:
        """The first key of the spec, with its secret."""
        return self.spec.keys[0].key

    def publish(
        self,
        channel: str,
        data: Any,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  # the wire's own word
        encoding: str | None = None,
    ) -> str:
        """Publish one message and return its id.

        Objects and lists go out as JSON, bytes as binary, text as it is (as JSON with `encoding="json"`), None as null.
        Raises InvalidMessageError or MessageTooLargeError.
        """
        draft = Draft.of(data, name=name, id=id, encoding=encoding)
        return self._hub.publish(channel, [draft])[0].id

    def channels(self) -> Mapping[str, int]:
        """The channels that have attached clients, and how many each has."""
        return self._hub.attached_channels()

    def attached(self, channel: str) -> int:
        """How many clients are attached to the channel."""
        return self._hub.attached(channel)

    async def wait_attached(self, channel: str, count: int = 1) -> None:
        """Return as soon as `count` clients are attached (for 0: as soon as none is); bound it with a timeout."""
        await self._hub.wait_attached(channel, count)

    def drop_connections(self, *, lose_continuity: bool = False) -> int:
        """Cut every socket without a word; with `lose_continuity` none of them can be resumed."""
        if lose_continuity:
            self.forget_connections()
        return self._listener.drop_connections()

    def forget_connections(self) -> None:
        """No connection can be resumed any more: on the next reconnect the SDK sees `resumed=False`."""
        self._hub.connections.forget_all()

    async def refuse(self) -> None:
        """Refuse TCP connections, and drop those there are; the state of connections and channels stays."""
        await self.stop()

    async def accept(self) -> None:
        """Listen again on the same port."""
        await self._listener.start()

    def set_unavailable(self, *, unavailable: bool = True) -> None:
        """Answer HTTP 503 to every new request and websocket upgrade; open sockets stay."""
        self._line.unavailable = unavailable

    def black_hole(self) -> None:
        """Keep sockets open and say nothing, not even heartbeats, until `heal`."""
        self._line.black_hole()

    def heal(self) -> None:
        """End of the black hole: what was to be sent meanwhile is sent."""
        self._line.heal()

    def revoke_key(self, key: str) -> None:
        """Turn a key (or key name) away: its clients get ERROR 40101 now and on every later try."""
        name = self._hub.keys.revoke(key)
        error = InvalidCredentialsError("invalid credentials: the key has been revoked")
        for peer in tuple(self._hub.peers):
            if peer.key_name == name:
                peer.end(frames.failure(error))

    def restore_key(self, key: str) -> None:
        """Let a revoked key (or key name) in again."""
        self._hub.keys.restore(key)

    def send_disconnected(self, error: AblyError | None = None) -> None:
        """Send DISCONNECTED to everybody and close the sockets.

        Without an error, or with one of status 500 to 504, SDK 3.1.4 believes for ever that it is connected.
        """
        for peer in tuple(self._hub.peers):
            peer.end(frames.disconnected(error))

    def _build_app(self) -> Starlette:
        routes = [*RestApi(self._hub).routes(), WebSocketRoute("/", self._websocket)]
        return Starlette(routes=routes, exception_handlers={AblyError: answer_error})

    async def _websocket(self, websocket: WebSocket) -> None:
        await session.serve(self._hub, self._line, websocket)
