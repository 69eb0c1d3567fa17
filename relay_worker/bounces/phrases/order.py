"""Which words outweigh which: the first phrase that matches decides. The order is the policy.

What a server says about us, our address or our message stands before what it says about the recipient, because a
blocked sender is often told "user unknown" in the same breath, and hard suppresses.
"""

from relay_worker.bounces.phrases import (
    about_message,
    about_recipient,
    about_us,
    about_way,
    in_other_languages,
)

TELLING = (
    about_us.AUTHENTICATION,
    about_way.LOOP,
    about_us.GREYLISTED,
    about_us.RATE_LIMITED,
    about_recipient.UNCONFIRMED,
    about_recipient.MAILBOX_FULL,
    about_message.MESSAGE_TOO_LARGE,
    about_us.REVERSE_DNS,
    about_us.BLOCK_REPUTATION,
    about_message.DANGEROUS,
    about_message.SPAM_CONTENT,
    about_message.CONTENT_REFUSED,
    about_us.TLS_REQUIRED,
    about_us.TLS_FAILED,
    about_us.SENDER_REFUSED,
    about_recipient.RESTRICTED,
    about_us.LOGIN,
    about_way.HOST_NOT_FOUND,
    about_way.DNS_TROUBLE,
    about_recipient.ADDRESS_SUSPENDED,
    about_recipient.ADDRESS_DISABLED,
    about_recipient.NO_SUCH_ADDRESS,
    about_way.NO_SUCH_DOMAIN,
    about_us.RELAY_DENIED,
    about_way.UNREACHABLE,
    about_way.EXPIRED,
    about_us.POLICY,
)

# Beside any of these an address is not gone, though the words for it stand there too.
OUTWEIGHING = (about_us.FORBIDDEN, *in_other_languages.NOT_GONE)

# What stands in so many replies that an enhanced code which names an address or a host (codes.ENHANCED) outweighs it.
VAGUE = (
    about_way.SERVER_TROUBLE,
    about_way.PROTOCOL,
    about_recipient.RECIPIENT_REFUSED,
    about_us.REJECTED,
)
