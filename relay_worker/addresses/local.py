"""Which of our addresses this very machine has."""

import errno
import ipaddress
import socket


def can_bind(address: str) -> bool:
    """Whether a connection from here could leave from `address`. Costs two system calls."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError as error:
        # Anything else, such as too many open files, says nothing about the address.
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True
