"""Forward-confirmed reverse DNS: the address has a name, and the name has the address."""

import ipaddress
from dataclasses import dataclass

from relay_worker.addresses.checks.names import Names, NoAnswer
from relay_worker.addresses.states import PtrState


@dataclass(frozen=True, slots=True)
class PtrFinding:
    """`name`: the one that leads back, else the first found, else "". `helo_confirmed`: None when DNS did not say."""

    state: PtrState
    name: str
    helo_confirmed: bool | None


async def check_ptr(address: str, helo: str, names: Names) -> PtrFinding:
    """What DNS says of the address and of the name that it calls itself. Never raises."""
    try:
        state, name = await _reverse(address, names)
    except NoAnswer:
        state, name = PtrState.UNKNOWN, ""
    return PtrFinding(state, name, await _leads_to(helo, address, names))


async def _reverse(address: str, names: Names) -> tuple[PtrState, str]:
    """Raises NoAnswer when no name leads back and one of them could not be asked for."""
    found = await names.names(address)
    unknown = False
    for name in found:
        confirmed = await _leads_to(name, address, names)
        if confirmed:
            return PtrState.CONFIRMED, name
        unknown = unknown or confirmed is None
    if unknown:
        raise NoAnswer(address)
    return (PtrState.UNCONFIRMED, found[0]) if found else (PtrState.MISSING, "")


async def _leads_to(name: str, address: str, names: Names) -> bool | None:
    try:
        return address in await names.addresses(name, ipaddress.ip_address(address).version)
    except NoAnswer:
        return None
    except ValueError:  # a PTR may hold what is no name at all
        return False
