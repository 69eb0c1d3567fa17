"""Ports: what is free, and a plain sentence for what is not."""

import socket

import pytest

from platform_core.errors import ServerUnreachable
from platform_dev.ports import free_port, is_free, require_free


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    assert is_free(port)
    require_free(port, purpose="a test")


def test_a_taken_port_is_named_with_its_purpose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
        with pytest.raises(ServerUnreachable, match=f"Port {port} .* meant for the portal"):
            require_free(port, purpose="the portal")
