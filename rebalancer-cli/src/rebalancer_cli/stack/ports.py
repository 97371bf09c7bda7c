"""TCP ports of this machine."""

import socket

from rebalancer_cli.errors import StackFailed


def free_port() -> int:
    """A port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def require_free(host: str, port: int) -> None:
    """Check that the management service will get its port.

    Raises:
        StackFailed: somebody listens there, or the address is not of this machine.
    """
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except (OSError, OverflowError) as error:
        raise StackFailed(
            f"the management service cannot listen on {host} port {port} ({error}): "
            "stop what listens there, or set MANAGEMENT_PORT to another port"
        ) from error
