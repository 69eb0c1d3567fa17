"""Who a reseller's own letters come from: an address at a verified domain of its main account, which signs them."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from platform_core.database import ResellerRef
from platform_core.errors import SenderNotVerified
from tenants.accounts.queries import main_account
from tenants.domains.queries import domains_of
from tenants.models import Account, DomainState
from tenants.resellers.queries import brand

MAILBOX = "billing"


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom a letter comes: a name, an address at a verified domain, and "" or where answers go."""

    name: str
    address: str
    reply_to: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A sender, and whose it is."""

    reseller: ResellerRef
    sender: Sender


def open_letterbox(session: Session, *, answers_to: str = "") -> Letterbox:
    """The reseller's. `answers_to`: the address that letters should name.

    Raises SenderNotVerified when no domain of the main account is verified.
    """
    reseller: ResellerRef = session.info["reseller"]
    return Letterbox(reseller, _sender(session, main_account(session), answers_to))


def _sender(session: Session, main: Account, answers_to: str) -> Sender:
    """At the first of these domains that is verified: that of `answers_to`, the support address's, any."""
    own = brand(session)
    verified = [one.name for one in domains_of(session, main.id) if one.state == DomainState.VERIFIED]
    wanted = [address for address in (answers_to, own.support_email) if address]
    reply_to = wanted[0] if wanted else ""
    for address in wanted:
        if address.rpartition("@")[2].lower() in verified:
            return Sender(own.company_name, address, reply_to)
    if not verified:
        raise SenderNotVerified(reply_to.rpartition("@")[2] or "The reseller's own domain")
    return Sender(own.company_name, f"{MAILBOX}@{verified[0]}", reply_to)
