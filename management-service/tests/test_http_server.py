"""The listening socket."""

import socket

from management_service.http_server import bind


def test_connections_send_at_once() -> None:
    """What is accepted inherits it from the listener, so that no answer waits for a client's delayed confirmation."""
    with bind("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
