"""One websocket of one client, from CONNECTED to the end of the socket."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.ably import frames
from sandbox.ably.attachment import attachment
from sandbox.ably.auth import Grant
from sandbox.ably.channel_log import ChannelLog
from sandbox.ably.codec import Wire, WireFormat
from sandbox.ably.connections import Opened
from sandbox.ably.errors import AblyError, BadRequestError, InvalidCredentialsError
from sandbox.ably.frames import Action
from sandbox.ably.hub import Hub
from sandbox.ably.line import Line
from sandbox.ably.messages import Draft, Message

OUTBOX_LIMIT = 10_000
HEARTBEAT_SHARE = 0.6
"""A heartbeat is sent after this share of maxIdleInterval without anything else."""


class Session:
    """Speaks Ably's realtime protocol with one client."""

    def __init__(self, hub: Hub, line: Line, websocket: WebSocket, grant: Grant) -> None:
        self._hub = hub
        self._line = line
        self._websocket = websocket
        self._grant = grant
        self._format = WireFormat.named(websocket.query_params.get("format"))
        self._echo = websocket.query_params.get("echo") != "false"
        self._outbox: asyncio.Queue[Wire | None] = asyncio.Queue(OUTBOX_LIMIT)
        self._opened: Opened = hub.connections.open(websocket.query_params.get("resume"))
        self._channels: set[str] = set()
        self._handlers: dict[int, Callable[[Wire], None]] = {
            Action.HEARTBEAT: self._on_heartbeat,
            Action.ATTACH: self._on_attach,
            Action.DETACH: self._on_detach,
            Action.MESSAGE: self._on_publish,
            Action.AUTH: self._on_auth,
            Action.CLOSE: self._on_close,
        }

    @property
    def key_name(self) -> str:
        """The key behind the client's key or token."""
        return self._grant.key_name

    async def run(self) -> None:
        """Serve the accepted websocket until it ends; the connection stays resumable unless the client closed it."""
        self._hub.peers.add(self)
        self._send(self._connected(self._opened.error))
        writer = asyncio.create_task(self._write())
        try:
            await self._read()
        finally:
            self._leave()
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    def deliver(self, log: ChannelLog, batch: Sequence[Message]) -> None:
        """Send the messages of one publish, unless they are the client's own and it wants no echo."""
        if self._echo or batch[0].connection_id != self._opened.state.id:
            self._send(frames.messages(log, batch, self._format))

    def end(self, frame: Wire) -> None:
        """Send one last protocol message and close the socket."""
        self._send(frame)
        self._send(None)

    def _leave(self) -> None:
        self._hub.peers.discard(self)
        self._hub.connections.lost(self._opened.state)
        for channel in tuple(self._channels):
            self._off(channel)

    async def _read(self) -> None:
        while (event := await self._websocket.receive())["type"] == "websocket.receive":
            if not self._line.is_silent:
                self._handle(event.get("bytes") or event.get("text") or "")

    def _handle(self, raw: bytes | str) -> None:
        try:
            frame = self._format.unpack_object(raw)
        except BadRequestError as error:
            self.end(frames.failure(error))
            return
        handler = self._handlers.get(frame.get("action", -1))
        if handler is not None:
            handler(frame)

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect):
            while (frame := await self._next_frame()) is not None:
                await self._line.wait_open()
                await self._transmit(frame)
            await self._websocket.close()

    async def _next_frame(self) -> Wire | None:
        try:
            async with asyncio.timeout(self._hub.spec.max_idle_interval_seconds * HEARTBEAT_SHARE):
                return await self._outbox.get()
        except TimeoutError:
            return {"action": Action.HEARTBEAT}

    async def _transmit(self, frame: Wire) -> None:
        packed = self._format.pack(frame)
        if self._format is WireFormat.JSON:
            await self._websocket.send_text(packed.decode())
        else:
            await self._websocket.send_bytes(packed)

    def _send(self, frame: Wire | None) -> None:
        """Queue a frame; a client that does not read for so long loses what it has not read, and its socket."""
        if self._outbox.full():
            while not self._outbox.empty():
                self._outbox.get_nowait()
            frame = None
        self._outbox.put_nowait(frame)

    def _connected(self, error: AblyError | None = None) -> Wire:
        spec, state = self._hub.spec, self._opened.state
        ttl_ms = int(spec.connection_state_ttl_seconds * 1000)
        idle_ms = int(spec.max_idle_interval_seconds * 1000)
        return frames.connected(state.id, state.key, ttl_ms=ttl_ms, idle_ms=idle_ms, error=error)

    def _on_heartbeat(self, frame: Wire) -> None:
        self._send({"action": Action.HEARTBEAT} | ({"id": frame["id"]} if "id" in frame else {}))

    def _on_attach(self, frame: Wire) -> None:
        channel = str(frame.get("channel"))
        try:
            self._grant.require("subscribe", channel)
            self._attach(channel, frame)
        except AblyError as error:
            self._off(channel)
            self._send(frames.failure(error, channel))

    def _attach(self, channel: str, frame: Wire) -> None:
        log = self._hub.log(channel)
        params: dict[str, Any] = frame.get("params") or {}
        continuous = self._opened.resumed or channel in self._channels
        start = attachment(log, frame.get("channelSerial"), params, continuous=continuous)
        self._send(frames.attached(log, start.number, resumed=start.resumed, backlog=bool(start.backlog)))
        if start.backlog:
            self._send(frames.messages(log, start.backlog, self._format))
        self._channels.add(channel)
        self._hub.attach(channel, self)

    def _on_detach(self, frame: Wire) -> None:
        channel = str(frame.get("channel"))
        self._off(channel)
        self._send(frames.detached(channel))

    def _off(self, channel: str) -> None:
        self._channels.discard(channel)
        self._hub.detach(channel, self)

    def _on_publish(self, frame: Wire) -> None:
        serial = int(frame.get("msgSerial", 0))
        channel = str(frame.get("channel"))
        try:
            self._grant.require("publish", channel)
            drafts = [Draft.from_wire(message) for message in frame.get("messages") or ()]
            published = self._hub.publish(channel, drafts, connection_id=self._opened.state.id, serial=serial)
        except AblyError as error:
            self._send(frames.refused(serial, error))
            return
        log = self._hub.log(channel)
        self._send(frames.acknowledged(serial, [log.serial(message.number) for message in published]))

    def _on_auth(self, frame: Wire) -> None:
        try:
            auth: Wire = frame.get("auth") or {}
            self._grant = self._hub.keys.by_token(str(auth.get("accessToken")))
        except AblyError as error:
            self.end(frames.failure(error))
            return
        self._send(self._connected())

    def _on_close(self, _frame: Wire) -> None:
        self._hub.connections.forget(self._opened.state)
        self.end({"action": Action.CLOSED})


async def serve(hub: Hub, line: Line, websocket: WebSocket) -> None:
    """Accept a websocket and serve it; credentials that are not valid are answered with ERROR."""
    await websocket.accept()
    try:
        grant = _grant(hub, websocket)
    except AblyError as error:
        await _turn_away(websocket, error)
        return
    await Session(hub, line, websocket, grant).run()


def _grant(hub: Hub, websocket: WebSocket) -> Grant:
    params = websocket.query_params
    if "accessToken" in params:
        return hub.keys.by_token(params["accessToken"])
    if "key" in params:
        return hub.keys.by_key(params["key"])
    raise InvalidCredentialsError("invalid credentials: neither key nor accessToken was given")


async def _turn_away(websocket: WebSocket, error: AblyError) -> None:
    wire_format = WireFormat.named(websocket.query_params.get("format"))
    packed = wire_format.pack(frames.failure(error))
    if wire_format is WireFormat.JSON:
        await websocket.send_text(packed.decode())
    else:
        await websocket.send_bytes(packed)
    await websocket.close()
