"""Mail addresses: what the relay takes in an envelope, and the form everything is compared in."""

import re
from dataclasses import dataclass
from functools import lru_cache

import idna

MAX_LOCAL_OCTETS = 64  # RFC 5321 4.5.3.1.1
MAX_DOMAIN_OCTETS = 255  # RFC 5321 4.5.3.1.2
MAX_ADDRESS_OCTETS = 254  # RFC 5321 4.5.3.1.3: a path of 256 with its angle brackets

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_UTF8_DOT_STRING = re.compile(  # lone surrogates are no characters
    r"(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x9f\ud800-\udfff])+"
    r"(?:\.(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]|[^\x00-\x9f\ud800-\udfff])+)*"
)
_QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\[ -~])*"')
_A_LABEL_DOMAIN = re.compile(
    r"(?=.{1,255}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


class AddressSyntax(ValueError):
    """The text is not an address that can be mailed; the message is a sentence for the sender."""


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: `local` as given (case kept), `domain` in lower-case A-labels (RFC 5890)."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """True when only a server that offers SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()

    @property
    def folded(self) -> str:
        """The form for suppression and search: all lower case. Local parts that differ in case alone are one person."""
        return f"{_lowered(self.local)}@{self.domain}"


def _lowered(local: str) -> str:
    """In lower case as Postgres has it, letter by letter: there acceptance compares with what is suppressed.

    Python looks at the whole word (a sigma at its end) and makes two characters of a dotted capital I.
    """
    if local.isascii():
        return local.lower()
    return "".join(letter.lower()[0] for letter in local)


@lru_cache(maxsize=4096)
def domain_to_ascii(domain: str) -> str:
    """`domain` as lower-case A-labels without a trailing dot. Raises AddressSyntax; an address literal is refused."""
    lowered = domain.lower().removesuffix(".")
    if not lowered.isascii():
        try:
            lowered = idna.encode(lowered, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise AddressSyntax(f"The domain {domain!r} is not a valid international domain name.") from error
    if not _A_LABEL_DOMAIN.fullmatch(lowered):
        raise AddressSyntax("The domain of the address is not valid.")
    return lowered


@lru_cache(maxsize=8192)
def parse_address(text: str) -> Address:
    """The mailbox in `text` (`local@domain`, without angle brackets; RFC 5321 4.1.2, RFC 6531 3.3).

    Raises AddressSyntax with a sentence. Control characters, source routes, address literals and anything over
    the limits of RFC 5321 4.5.3.1 are refused.
    """
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise AddressSyntax("The address needs a local part, an @ and a domain.")
    if not (_DOT_STRING.fullmatch(local) or _QUOTED.fullmatch(local) or _UTF8_DOT_STRING.fullmatch(local)):
        raise AddressSyntax("The part before the @ is not valid.")
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise AddressSyntax("The part before the @ is longer than 64 octets.")
    address = Address(local, domain_to_ascii(domain))
    if len(str(address).encode()) > MAX_ADDRESS_OCTETS:
        raise AddressSyntax("The address is longer than 254 octets.")
    return address


RETURN_PATH_LABEL = "rp"
"""The label below a sending domain that a customer lets lead to the reseller's return-path host (a CNAME)."""
