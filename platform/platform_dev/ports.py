"""Ports on loopback: finding a free one, and saying so when a chosen one is taken."""

import socket

from platform_core.errors import ServerUnreachable

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A port that was free a moment ago; someone may take it before you do."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """True when nobody listens on `port` just now."""
    try:
        require_free(port, purpose="nothing yet")
    except ServerUnreachable:
        return False
    return True


def require_free(port: int, *, purpose: str) -> None:
    """Raises ServerUnreachable when another program listens on `port`."""
    with socket.socket() as probe:
        # As servers do it: connections of an earlier run that linger in TIME_WAIT are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ServerUnreachable(
                f"Port {port} on {LOOPBACK}, meant for {purpose}, can't be used: {error.strerror}."
            ) from None
