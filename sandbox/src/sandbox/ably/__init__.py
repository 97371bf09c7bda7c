"""A simulated Ably service: realtime over websocket and REST on one port, for the plain `ably` SDK."""

from sandbox.ably.errors import AblyError
from sandbox.ably.server import AblyServer
from sandbox.ably.spec import DEFAULT_KEY, AblySpec, KeySpec

__all__ = ["DEFAULT_KEY", "AblyError", "AblyServer", "AblySpec", "KeySpec"]
