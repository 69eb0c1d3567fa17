"""The classes of outcome: why a delivery ended as it did, what the customer reads of it, and who must act."""

from dataclasses import dataclass
from enum import StrEnum

from platform_core.mail.states import BounceKind


class OutcomeClass(StrEnum):
    """Why a message was taken, put off or refused. The values are stored and never change their meaning."""

    DELIVERED = "delivered"
    HANDED_ON = "handed_on"
    NO_SUCH_ADDRESS = "no_such_address"
    NO_SUCH_DOMAIN = "no_such_domain"
    ADDRESS_DISABLED = "address_disabled"
    ADDRESS_SUSPENDED = "address_suspended"
    RECIPIENT_UNCONFIRMED = "recipient_unconfirmed"
    RECIPIENT_REFUSED = "recipient_refused"
    MAILBOX_FULL = "mailbox_full"
    BLOCK_REPUTATION = "block_reputation"
    REVERSE_DNS = "reverse_dns"
    SPAM_CONTENT = "spam_content"
    CONTENT_REFUSED = "content_refused"
    POLICY = "policy"
    AUTHENTICATION = "authentication"
    SENDER_REFUSED = "sender_refused"
    RELAY_DENIED = "relay_denied"
    RATE_LIMITED = "rate_limited"
    GREYLISTED = "greylisted"
    MESSAGE_TOO_LARGE = "message_too_large"
    INTERNATIONAL = "international"
    TLS_REQUIRED = "tls_required"
    TLS_FAILED = "tls_failed"
    SERVER_TROUBLE = "server_trouble"
    UNREACHABLE = "unreachable"
    DNS_TROUBLE = "dns_trouble"
    PROTOCOL = "protocol"
    LOOP = "loop"
    EXPIRED = "expired"
    AUTO_REPLY = "auto_reply"
    QUOTA = "quota"
    WITHDRAWN = "withdrawn"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


class OutcomeGroup(StrEnum):
    """The coarse kinds that statistics and alerts count."""

    DELIVERED = "delivered"
    HARD = "hard"
    SOFT = "soft"
    BLOCK = "block"
    POLICY = "policy"
    MAILBOX_FULL = "mailbox_full"
    AUTO_REPLY = "auto_reply"


class Actor(StrEnum):
    """Who can change the outcome: the person written to, the customer who sends, we, or the receiving server's people."""

    RECIPIENT = "recipient"
    CUSTOMER = "customer"
    PLATFORM = "platform"
    RECEIVER = "receiver"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a class stands for. `kind` is that of a bounce with this reason, None where there can be none.

    `sentence` is for the customer, `advice` the half sentence after it: what the actor should do.
    """

    kind: BounceKind | None
    group: OutcomeGroup
    actor: Actor
    sentence: str
    advice: str


_HARD, _SOFT = BounceKind.HARD, BounceKind.SOFT
_Group = OutcomeGroup

# Only what says that the address or its domain is gone is hard, for hard suppresses: a customer is harmed more by an
# address that is cut off wrongly than by one more bounce.
MEANINGS: dict[OutcomeClass, Meaning] = {
    OutcomeClass.DELIVERED: Meaning(
        None, _Group.DELIVERED, Actor.NOBODY,
        "The receiving server took the message.",
        "nothing needs to be done",
    ),
    OutcomeClass.HANDED_ON: Meaning(
        None, _Group.DELIVERED, Actor.NOBODY,
        "The receiving server took the message, and will itself send the delivery reports that were asked for.",
        "nothing needs to be done",
    ),
    OutcomeClass.NO_SUCH_ADDRESS: Meaning(
        _HARD, _Group.HARD, Actor.CUSTOMER,
        "This address does not exist.",
        "check its spelling, or take it off your list",
    ),
    OutcomeClass.NO_SUCH_DOMAIN: Meaning(
        _HARD, _Group.HARD, Actor.CUSTOMER,
        "The part after the @ does not exist, or takes no mail at all.",
        "check its spelling, or take the address off your list",
    ),
    OutcomeClass.ADDRESS_DISABLED: Meaning(
        _HARD, _Group.HARD, Actor.CUSTOMER,
        "This mailbox was closed by its owner or provider.",
        "take the address off your list",
    ),
    OutcomeClass.ADDRESS_SUSPENDED: Meaning(
        _SOFT, _Group.SOFT, Actor.RECIPIENT,
        "This mailbox is locked for the time being.",
        "the recipient has to settle it with the provider",
    ),
    OutcomeClass.RECIPIENT_UNCONFIRMED: Meaning(
        _SOFT, _Group.SOFT, Actor.NOBODY,
        "The receiving server could not say yet whether this address exists.",
        "it is tried again",
    ),
    OutcomeClass.RECIPIENT_REFUSED: Meaning(
        _SOFT, _Group.SOFT, Actor.RECIPIENT,
        "The receiving server takes no message from you for this recipient, without saying that the address is gone.",
        "ask the recipient in another way to allow your mail",
    ),
    OutcomeClass.MAILBOX_FULL: Meaning(
        _SOFT, _Group.MAILBOX_FULL, Actor.RECIPIENT,
        "The recipient's mailbox is full.",
        "the recipient has to make room",
    ),
    OutcomeClass.BLOCK_REPUTATION: Meaning(
        _SOFT, _Group.BLOCK, Actor.PLATFORM,
        "The receiving server blocks the sending address or domain because of its reputation.",
        "we look into it; send only to people who expect your mail",
    ),
    OutcomeClass.REVERSE_DNS: Meaning(
        _SOFT, _Group.BLOCK, Actor.PLATFORM,
        "The receiving server does not accept the name of the sending server.",
        "we have to correct the entries of the server's name",
    ),
    OutcomeClass.SPAM_CONTENT: Meaning(
        _SOFT, _Group.BLOCK, Actor.CUSTOMER,
        "The receiving server takes the message for spam.",
        "look at its text, its links and whom it went to",
    ),
    OutcomeClass.CONTENT_REFUSED: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "The receiving server refuses something in the message: an attachment, a link or the way it is built.",
        "send it without that part",
    ),
    OutcomeClass.POLICY: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "The receiving server's rules do not allow this message.",
        "read its answer for the rule, or ask its postmaster",
    ),
    OutcomeClass.AUTHENTICATION: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "The receiving server could not confirm that the message comes from your domain (SPF, DKIM or DMARC).",
        "check the DNS records of your sending domain",
    ),
    OutcomeClass.SENDER_REFUSED: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "The receiving server does not accept the address that the message comes from.",
        "check that your sender address and its domain exist and take mail",
    ),
    OutcomeClass.RELAY_DENIED: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "The server that is named for the recipient's domain says that it does not serve it.",
        "the recipient's administrator has to correct the domain's mail settings",
    ),
    OutcomeClass.RATE_LIMITED: Meaning(
        _SOFT, _Group.BLOCK, Actor.PLATFORM,
        "The receiving server wants mail to come more slowly.",
        "we slow down and try again",
    ),
    OutcomeClass.GREYLISTED: Meaning(
        _SOFT, _Group.SOFT, Actor.NOBODY,
        "The receiving server asks new senders to come back a little later.",
        "it is tried again",
    ),
    OutcomeClass.MESSAGE_TOO_LARGE: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "The message is larger than the receiving server takes.",
        "send links in place of large attachments",
    ),
    OutcomeClass.INTERNATIONAL: Meaning(
        _SOFT, _Group.POLICY, Actor.CUSTOMER,
        "An address has letters beyond ASCII before the @, and the receiving server takes no such mail (SMTPUTF8).",
        "use another address of the recipient, or a sender address in plain letters",
    ),
    OutcomeClass.TLS_REQUIRED: Meaning(
        _SOFT, _Group.POLICY, Actor.PLATFORM,
        "The message may only travel encrypted, and no encrypted connection came about.",
        "we check the encryption on the way to this server",
    ),
    OutcomeClass.TLS_FAILED: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "No encrypted connection with the receiving server came about.",
        "its administrator has to repair the encryption",
    ),
    OutcomeClass.SERVER_TROUBLE: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "The receiving server has a fault of its own or is too busy.",
        "its administrator has to repair it",
    ),
    OutcomeClass.UNREACHABLE: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "The receiving server could not be reached.",
        "its administrator has to bring it back",
    ),
    OutcomeClass.DNS_TROUBLE: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "It could not be found out which server takes mail for this domain.",
        "the administrator of the recipient's domain has to check its DNS",
    ),
    OutcomeClass.PROTOCOL: Meaning(
        _SOFT, _Group.SOFT, Actor.PLATFORM,
        "The two mail servers did not understand each other.",
        "we look into it",
    ),
    OutcomeClass.LOOP: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "The message went around in circles at the recipient's side.",
        "the recipient's administrator has to correct a forwarding",
    ),
    OutcomeClass.EXPIRED: Meaning(
        _SOFT, _Group.SOFT, Actor.NOBODY,
        "The message could not be delivered in the time allowed.",
        "send it again later",
    ),
    OutcomeClass.AUTO_REPLY: Meaning(
        None, _Group.AUTO_REPLY, Actor.NOBODY,
        "The recipient's mailbox answered by itself, an absence note for example.",
        "nothing needs to be done",
    ),
    OutcomeClass.QUOTA: Meaning(
        None, _Group.POLICY, Actor.CUSTOMER,
        "The plan and the credits of the account did not cover this message.",
        "buy credits or choose a larger plan",
    ),
    OutcomeClass.WITHDRAWN: Meaning(
        None, _Group.POLICY, Actor.PLATFORM,
        "The message was taken out of the queue before it was sent.",
        "ask support why",
    ),
    OutcomeClass.INTERNAL: Meaning(
        _SOFT, _Group.SOFT, Actor.PLATFORM,
        "A fault on our side kept the message from being sent.",
        "we look into it, and it is tried again",
    ),
    OutcomeClass.UNKNOWN: Meaning(
        _SOFT, _Group.SOFT, Actor.RECEIVER,
        "The receiving server refused the message without a reason that we understand.",
        "read its answer, or ask its postmaster",
    ),
}  # fmt: skip

HARD_CLASSES = frozenset(one for one, meaning in MEANINGS.items() if meaning.kind is BounceKind.HARD)
