"""The protocol messages that the service sends over a websocket, and the numbers of their actions."""

from collections.abc import Sequence
from enum import IntEnum

from sandbox.ably.channel_log import ChannelLog
from sandbox.ably.codec import Wire, WireFormat
from sandbox.ably.errors import AblyError
from sandbox.ably.messages import MAX_PUBLISH_BYTES, Message


class Action(IntEnum):
    """The `action` of a protocol message, as far as this service knows it."""

    HEARTBEAT = 0
    ACK = 1
    NACK = 2
    CONNECTED = 4
    DISCONNECTED = 6
    CLOSE = 7
    CLOSED = 8
    ERROR = 9
    ATTACH = 10
    ATTACHED = 11
    DETACH = 12
    DETACHED = 13
    MESSAGE = 15
    AUTH = 17


class Flag(IntEnum):
    """Bits of an ATTACHED message's `flags`."""

    HAS_BACKLOG = 1 << 1
    RESUMED = 1 << 2
    MAY_PUBLISH = 1 << 17
    MAY_SUBSCRIBE = 1 << 18


def connected(connection_id: str, key: str, *, ttl_ms: int, idle_ms: int, error: AblyError | None = None) -> Wire:
    """Answer to a successful connect or AUTH."""
    details = {
        "connectionKey": key,
        "connectionStateTtl": ttl_ms,
        "maxIdleInterval": idle_ms,
        "maxMessageSize": MAX_PUBLISH_BYTES,
        "serverId": "sandbox",
    }
    frame: Wire = {"action": Action.CONNECTED, "connectionId": connection_id, "connectionKey": key}
    return frame | {"connectionDetails": details} | _error(error)


def disconnected(error: AblyError | None) -> Wire:
    """The service asks the client to come back; without an error the SDK 3.1.4 never does."""
    return {"action": Action.DISCONNECTED} | _error(error)


def failure(error: AblyError, channel: str | None = None) -> Wire:
    """The connection, or one channel of it, has failed."""
    return {"action": Action.ERROR} | _error(error) | ({} if channel is None else {"channel": channel})


def attached(log: ChannelLog, number: int, *, resumed: bool, backlog: bool) -> Wire:
    """The client is on the channel, behind message `number`."""
    flags = Flag.MAY_PUBLISH | Flag.MAY_SUBSCRIBE
    flags |= Flag.RESUMED if resumed else 0
    flags |= Flag.HAS_BACKLOG if backlog else 0
    serial = log.serial(number)
    return {"action": Action.ATTACHED, "channel": log.name, "channelSerial": serial, "flags": int(flags)}


def detached(channel: str) -> Wire:
    """The client is off the channel."""
    return {"action": Action.DETACHED, "channel": channel}


def messages(log: ChannelLog, batch: Sequence[Message], wire_format: WireFormat) -> Wire:
    """One publish (or several missed ones), in order; `batch` is not empty."""
    first, last = batch[0], batch[-1]
    frame: Wire = {
        "action": Action.MESSAGE,
        "channel": log.name,
        "channelSerial": log.serial(last.number),
        "id": first.id.rpartition(":")[0] or first.id,
        "timestamp": first.timestamp_ms,
        "messages": [dict(message.to_wire(wire_format)) for message in batch],
    }
    return frame | ({} if first.connection_id is None else {"connectionId": first.connection_id})


def acknowledged(msg_serial: int, serials: list[str]) -> Wire:
    """The client's publish is accepted."""
    return {"action": Action.ACK, "msgSerial": msg_serial, "count": 1, "res": [{"serials": serials}]}


def refused(msg_serial: int, error: AblyError) -> Wire:
    """The client's publish is refused."""
    return {"action": Action.NACK, "msgSerial": msg_serial, "count": 1} | _error(error)


def _error(error: AblyError | None) -> Wire:
    return {} if error is None else {"error": error.to_wire()}
