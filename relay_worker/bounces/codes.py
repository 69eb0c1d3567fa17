"""What enhanced status codes (RFC 3463, registry of RFC 5248) and bare reply codes mean where the words say nothing.

Keys are an enhanced code without its first digit: whether a failure lasts is another question than what it is about.
"""

from relay_worker.bounces.classes import OutcomeClass as Class

# These are more exact than any words beside them, and no server is known to use them for something else.
DECISIVE: dict[str, Class] = {
    "1.7": Class.SENDER_REFUSED,
    "1.8": Class.SENDER_REFUSED,
    "2.2": Class.MAILBOX_FULL,
    "2.3": Class.MESSAGE_TOO_LARGE,
    "3.4": Class.MESSAGE_TOO_LARGE,
    "4.6": Class.LOOP,
    "6.7": Class.INTERNATIONAL,  # RFC 6531: addresses beyond ASCII
    "6.9": Class.INTERNATIONAL,  # RFC 6531: a header beyond ASCII
    "7.20": Class.AUTHENTICATION,  # RFC 7372: no passing DKIM signature
    "7.21": Class.AUTHENTICATION,
    "7.22": Class.AUTHENTICATION,
    "7.23": Class.AUTHENTICATION,  # SPF; Google's 4.7.23 is about PTR, and says so
    "7.24": Class.AUTHENTICATION,
    "7.25": Class.REVERSE_DNS,
    "7.26": Class.AUTHENTICATION,
    "7.28": Class.RATE_LIMITED,  # "mail flood detected"; Google: unusual rate of unsolicited mail
    "7.29": Class.TLS_REQUIRED,  # Google: not sent over TLS
    "7.30": Class.AUTHENTICATION,  # Google: DKIM
    "7.31": Class.AUTHENTICATION,  # Google: DMARC record missing
    "7.32": Class.AUTHENTICATION,  # Google: From not aligned
    "7.133": Class.RECIPIENT_REFUSED,  # Microsoft: groups and mailboxes that take mail from some only
    "7.134": Class.RECIPIENT_REFUSED,
    "7.136": Class.RECIPIENT_REFUSED,
    "7.509": Class.AUTHENTICATION,  # Microsoft: DMARC policy of reject
    "7.515": Class.AUTHENTICATION,  # Microsoft: bulk sender without SPF, DKIM and DMARC
}  # fmt: skip

ENHANCED: dict[str, Class] = {
    "1.1": Class.NO_SUCH_ADDRESS,
    "1.2": Class.NO_SUCH_DOMAIN,
    "1.3": Class.NO_SUCH_ADDRESS,
    "1.6": Class.NO_SUCH_ADDRESS,  # moved, no forwarding
    "1.10": Class.NO_SUCH_DOMAIN,  # RFC 7505: null MX
    "2.1": Class.ADDRESS_SUSPENDED,  # in words that we do not know; GONE_WITH has the others
    "2.4": Class.SERVER_TROUBLE,
    "3.3": Class.PROTOCOL,
    "4.1": Class.UNREACHABLE,
    "4.2": Class.UNREACHABLE,
    "4.3": Class.DNS_TROUBLE,
    "4.4": Class.DNS_TROUBLE,
    "4.7": Class.EXPIRED,
    "5.3": Class.RATE_LIMITED,  # too many recipients
    "7.5": Class.TLS_FAILED,
    "7.10": Class.TLS_REQUIRED,
    "7.11": Class.TLS_REQUIRED,
    "7.13": Class.ADDRESS_SUSPENDED,
    "7.17": Class.RECIPIENT_REFUSED,  # RFC 7293: mailbox owner has changed
    "7.27": Class.AUTHENTICATION,
}
# By the second number alone (RFC 3463 3.2 to 3.8), where the third is unknown to us.
SUBJECTS: dict[str, Class] = {
    "1": Class.RECIPIENT_REFUSED,
    "2": Class.RECIPIENT_REFUSED,
    "3": Class.SERVER_TROUBLE,
    "4": Class.SERVER_TROUBLE,
    "5": Class.PROTOCOL,
    "6": Class.CONTENT_REFUSED,
    "7": Class.POLICY,
}

REPLIES: dict[int, Class] = {
    421: Class.SERVER_TROUBLE,
    432: Class.SERVER_TROUBLE,
    451: Class.SERVER_TROUBLE,
    452: Class.SERVER_TROUBLE,
    454: Class.TLS_FAILED,
    500: Class.PROTOCOL,
    501: Class.PROTOCOL,
    502: Class.PROTOCOL,
    503: Class.PROTOCOL,
    504: Class.PROTOCOL,
    521: Class.RECIPIENT_REFUSED,
    530: Class.RELAY_DENIED,
    535: Class.RELAY_DENIED,
    550: Class.UNKNOWN,
    551: Class.RECIPIENT_REFUSED,
    552: Class.MAILBOX_FULL,  # RFC 5321 4.2.3: exceeded storage allocation
    553: Class.RECIPIENT_REFUSED,
    555: Class.PROTOCOL,
    556: Class.NO_SUCH_DOMAIN,  # RFC 7504: the domain takes no mail
}
