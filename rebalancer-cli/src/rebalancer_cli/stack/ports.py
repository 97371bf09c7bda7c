"""TCP ports of this machine."""

import contextlib
import socket
from collections.abc import Generator

from rebalancer_cli.errors import StackFailed


def free_port() -> int:
    """A port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def reserved(host: str, port: int) -> Generator[None]:
    """Keep a port for the management service, which alone asks for it by its number.

    It is bound and not listened on, so the system gives it to no connection that takes any port that is free.

    Raises:
        StackFailed: somebody listens there, or the address is not of this machine.
    """
    is_v6 = ":" in host
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_v6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # as the service does
        try:
            holder.bind((host, port))
        except (OSError, OverflowError) as error:
            raise StackFailed(
                f"the management service cannot listen on {host} port {port} ({error}): "
                "stop what listens there, or set MANAGEMENT_PORT to another port"
            ) from error
        yield
