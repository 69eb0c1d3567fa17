"""The states of an address and of what the world says about it."""

from enum import StrEnum


class PoolKind(StrEnum):
    """Dedicated: for the accounts of one reseller alone."""

    SHARED = "shared"
    DEDICATED = "dedicated"


class AddressState(StrEnum):
    """Only what is active sends. Retired: no longer ours; its history stays."""

    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


# A retired address may come back: providers hand out the same one again.
TRANSITIONS: dict[AddressState, frozenset[AddressState]] = {
    AddressState.ACTIVE: frozenset({AddressState.PAUSED, AddressState.RETIRED}),
    AddressState.PAUSED: frozenset({AddressState.ACTIVE, AddressState.RETIRED}),
    AddressState.RETIRED: frozenset({AddressState.ACTIVE}),
}


class PtrState(StrEnum):
    """Confirmed: the PTR's name leads back to the address (RFC 1912 2.1), which large providers insist on."""

    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    MISSING = "missing"


class ListingEffect(StrEnum):
    """What being on a block list does to an address."""

    STOP = "stop"
    LAST = "last"
    SHOW = "show"


class Standing(StrEnum):
    """How far an address may be used, after its checks.

    Flawed: only for what no sound address of the pool, or of its fallbacks, can send. Stopped: for nothing; mail that
    has no other address waits, since what is sent from there would be refused for good.
    """

    SOUND = "sound"
    FLAWED = "flawed"
    STOPPED = "stopped"


def standing_of(ptr: PtrState, effects: frozenset[ListingEffect]) -> Standing:
    """From the PTR and the effects of the lists that name the address. Where DNS does not answer nothing is held against it."""
    if ListingEffect.STOP in effects:
        return Standing.STOPPED
    if ListingEffect.LAST in effects or ptr in (PtrState.MISSING, PtrState.UNCONFIRMED):
        return Standing.FLAWED
    return Standing.SOUND
