"""The mailbox providers that an address is warmed up for, each by itself: they don't share what they think of it."""

from enum import StrEnum


class Provider(StrEnum):
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    YAHOO = "yahoo"
    APPLE = "apple"
    OTHER = "other"


_NAMES = {provider.value: provider for provider in Provider}


def provider_named(name: str) -> Provider:
    """The provider that a traffic rule is about; all that have no warm-up of their own are one."""
    return _NAMES.get(name, Provider.OTHER)
