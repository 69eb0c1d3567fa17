"""Addresses of our own pages: made from configured host names, never from a request's Host header."""

from urllib.parse import urlsplit

from platform_core.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


def external_url(settings: Settings, host: str, path: str = "/") -> str:
    """The address of `path` on our host name `host`, as people outside reach it."""
    port = settings.external_port
    suffix = "" if port is None or port == _DEFAULT_PORTS[settings.external_scheme] else f":{port}"
    return f"{settings.external_scheme}://{host}{suffix}{path}"


def local_path(target: str | None, default: str = "/") -> str:
    """`target` when it is a path on this very host, else `default`; so that no link to us leads elsewhere.

    Browsers read a backslash as a slash and skip control characters, so that both make a path suspicious.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return default
    if "\\" in target or any(ord(character) < 0x21 or ord(character) == 0x7F for character in target):
        return default
    parts = urlsplit(target)
    return target if not parts.scheme and not parts.netloc else default
