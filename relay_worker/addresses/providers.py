"""The mailbox providers that an address is warmed up for, each by itself: they don't share what they think of it."""

from enum import StrEnum


class Provider(StrEnum):
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    YAHOO = "yahoo"
    APPLE = "apple"
    OTHER = "other"


# The ends of the names of their mail servers: the MX tells more than the recipient's domain (customers' own domains).
_SERVERS: dict[str, Provider] = {
    ".google.com": Provider.GOOGLE,
    ".googlemail.com": Provider.GOOGLE,
    ".outlook.com": Provider.MICROSOFT,
    ".mx.microsoft": Provider.MICROSOFT,
    ".yahoodns.net": Provider.YAHOO,
    ".icloud.com": Provider.APPLE,
}
_NAMES = {provider.value: provider for provider in Provider}


def provider_named(name: str) -> Provider:
    """The provider that a traffic rule is about; all that have no warm-up of their own are one."""
    return _NAMES.get(name, Provider.OTHER)


def provider_of_server(host: str) -> Provider:
    """The provider whose mail server this is."""
    name = "." + host.lower().removesuffix(".")
    return next((provider for end, provider in _SERVERS.items() if name.endswith(end)), Provider.OTHER)
