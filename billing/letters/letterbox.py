"""Who a reseller's own letters come from, and the login with which they are handed to the relay.

The login is an SMTP account of the main account like any other, so letters are signed, counted and delivered as all mail
is. Its secret is derived and not kept: whoever has the secret key of the installation can say it again.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from platform_core.errors import SenderNotVerified
from platform_core.security import SecretVerifier, derive_key, random_text
from platform_core.settings import Settings
from tenants.accounts.queries import main_account
from tenants.domains.queries import domains_of
from tenants.models import Account, Brand, DomainState, SmtpAccount
from tenants.resellers.queries import brand

# People can't choose user names, so that no one else's login begins like this.
PREFIX = "letters-"
NAME = "Invoices and notices"
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
    """A sender with its login."""

    sender: Sender
    user_name: str
    secret: str = field(repr=False)


def open_letterbox(session: Session, settings: Settings, *, answers_to: str = "") -> Letterbox:
    """The reseller's, made when there is none; the caller commits. `answers_to`: the address that letters should name.

    Raises SenderNotVerified when no domain of the main account is verified.
    """
    main = main_account(session)
    sender = _sender(session, main, answers_to)
    secret_key = settings.secret_key.get_secret_value()
    # Two jobs at once would make two.
    session.execute(select(Brand.only_row).with_for_update(key_share=True))
    login = session.scalar(
        select(SmtpAccount)
        .where(SmtpAccount.account_id == main.id, SmtpAccount.user_name.startswith(PREFIX))
        .order_by(SmtpAccount.id)
        .limit(1)
    )
    user_name = login.user_name if login else PREFIX + random_text(16)
    secret = _secret(secret_key, user_name)
    verifier = SecretVerifier(secret_key).verifier(secret)
    if login is None:
        session.add(SmtpAccount(account_id=main.id, name=NAME, user_name=user_name, verifier=verifier))
    elif login.verifier != verifier:  # somebody gave it a new secret, which we can't know
        login.verifier = verifier
    session.flush()
    return Letterbox(sender, user_name, secret)


def _secret(secret_key: str, user_name: str) -> str:
    return hmac.new(derive_key(secret_key, "letters"), user_name.encode(), sha256).hexdigest()


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
