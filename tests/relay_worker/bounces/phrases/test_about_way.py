"""What servers say of the way to the mailbox, in their own words."""

import pytest

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify

REPLIES = [
    (550, "5.4.4", "the domain has no mail server with an address", Class.DNS_TROUBLE),
    (451, "4.4.3", "the domain's nameservers do not answer", Class.DNS_TROUBLE),
    (
        451,
        "4.4.3",
        "Host or domain name not found. Name service error for name=x.y type=MX: Host not found, try again",
        Class.DNS_TROUBLE,
    ),
    (451, "4.4.7", "Message expired", Class.EXPIRED),
    (550, "4.4.7", "QUEUE.Expired; message expired", Class.EXPIRED),
    (550, "5.4.6", "Routing loop detected", Class.LOOP),
    (550, "5.4.6", "the domain's mail servers lead back to us", Class.LOOP),
    (
        554,
        "5.4.4",
        "SMTPSEND.DNS.MxLoopback; DNS records for this domain are configured in a loop",
        Class.LOOP,
    ),
    (554, "5.4.14", "Hop count exceeded - possible mail loop ATTR34", Class.LOOP),
    (
        553,
        "5.1.2",
        "We weren't able to find the recipient domain. Please check for any spelling errors.",
        Class.NO_SUCH_DOMAIN,
    ),
    (550, "5.1.2", "the domain does not exist", Class.NO_SUCH_DOMAIN),
    (556, "5.1.10", "the domain takes no mail (null MX)", Class.NO_SUCH_DOMAIN),
    (
        550,
        "5.4.4",
        "Host or domain name not found. Name service error for name=x.y type=A: Host not found",
        Class.NO_SUCH_DOMAIN,
    ),
    (550, "5.1.2", "SMTPSEND.DNS.NonExistentDomain; nonexistent domain", Class.NO_SUCH_DOMAIN),
    (
        550,
        "5.4.310",
        "DNS domain example.org does not exist [Message=InfoDomainNonexistent]",
        Class.NO_SUCH_DOMAIN,
    ),
    (550, "5.1.2", "Domain not found", Class.NO_SUCH_DOMAIN),
    (501, "5.5.4", "Syntax: MAIL FROM:<address>", Class.PROTOCOL),
    (500, "5.5.2", "Error: bad syntax", Class.PROTOCOL),
    (451, "4.7.500", "Server busy. Please try again later from [192.0.2.1]. (S77719)", Class.SERVER_TROUBLE),
    (452, "4.3.1", "Insufficient system storage", Class.SERVER_TROUBLE),
    (421, "4.3.2", "Service shutting down", Class.SERVER_TROUBLE),
    (451, "4.3.5", "Server configuration error", Class.SERVER_TROUBLE),
    (421, "", " Service not available, closing transmission channel", Class.SERVER_TROUBLE),
    (554, "5.3.0", "unknown mailer error 1", Class.SERVER_TROUBLE),
    (550, "", "Requested action not taken", Class.UNKNOWN),
    (550, "", "No", Class.UNKNOWN),
    (554, "", "Transaction failed", Class.UNKNOWN),
    (451, "4.4.1", "could not connect: connection refused", Class.UNREACHABLE),
    (451, "4.4.2", "the server did not answer in time", Class.UNREACHABLE),
    (451, "4.4.2", "the connection was lost", Class.UNREACHABLE),
]


@pytest.mark.parametrize(("code", "enhanced", "text", "outcome"), REPLIES)
def test_a_reply_has_the_class_that_its_server_means(
    code: int, enhanced: str, text: str, outcome: Class
) -> None:
    assert classify(code, enhanced, text) is outcome
