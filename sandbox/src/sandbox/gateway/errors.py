"""What can go wrong on a client's connection.

GatewayError
├── HandshakeError         the peer does not speak this protocol, or an older one
└── MalformedMessageError  a message ends early, or a field is not what it must be
"""


class GatewayError(Exception):
    """Root of everything that this package raises."""


class HandshakeError(GatewayError):
    """The connection cannot be used; it is closed without an answer."""


class MalformedMessageError(GatewayError):
    """The message cannot be read; the client is told with error 320."""
