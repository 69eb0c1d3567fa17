"""What replies and diagnostics mean, in the words of the providers and mail servers that send them."""

import pytest

from relay_worker.bounces.classes import HARD_CLASSES
from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify, plain
from relay_worker.delivery.transaction import Stage

REPLIES = [
    (
        550,
        "5.2.1",
        "The email account that you tried to reach is inactive. Learn more at https://support.google.com/mail/?p=DisabledUser",
        Class.ADDRESS_DISABLED,
    ),
    (554, "", "delivery error: dd This mailbox is disabled (554.30). - mta1", Class.ADDRESS_DISABLED),
    (550, "", "Mailbox disabled, not accepting messages", Class.ADDRESS_DISABLED),
    (550, "5.1.1", "recipient no longer on server", Class.ADDRESS_DISABLED),
    (550, "", "This user no longer works here", Class.ADDRESS_DISABLED),
    (550, "", "Mailbox is inactive", Class.ADDRESS_DISABLED),
    (550, "5.2.1", "This account has been temporarily suspended", Class.ADDRESS_SUSPENDED),
    (550, "", "The account is locked, please contact the administrator", Class.ADDRESS_SUSPENDED),
    (450, "4.2.1", "mailbox temporarily unavailable", Class.ADDRESS_SUSPENDED),
    (421, "4.7.26", "Your email has been rate limited because it is unauthenticated.", Class.AUTHENTICATION),
    (
        421,
        "4.7.27",
        "Your email has been rate limited because SPF authentication didn't pass for this message.",
        Class.AUTHENTICATION,
    ),
    (
        421,
        "4.7.32",
        "Your email has been rate limited because the From: header isn't aligned with either SPF or DKIM",
        Class.AUTHENTICATION,
    ),
    (
        550,
        "5.7.515",
        "Access denied, sending domain shop.example doesn't meet the required authentication level.",
        Class.AUTHENTICATION,
    ),
    (
        550,
        "5.7.509",
        "Access denied, sending domain X does not pass DMARC verification and has a DMARC policy of reject.",
        Class.AUTHENTICATION,
    ),
    (550, "5.7.1", "SPF MAIL FROM check failed", Class.AUTHENTICATION),
    (550, "5.7.1", "Email rejected per DMARC policy", Class.AUTHENTICATION),
    (
        550,
        "5.7.23",
        "The message was rejected because of Sender Policy Framework violation",
        Class.AUTHENTICATION,
    ),
    (
        550,
        "5.7.1",
        "[192.0.2.1 19] Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain.",
        Class.BLOCK_REPUTATION,
    ),
    (
        553,
        "5.7.1",
        "[BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
        Class.BLOCK_REPUTATION,
    ),
    (
        550,
        "5.7.1",
        "Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140). You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        Class.BLOCK_REPUTATION,
    ),
    (
        550,
        "5.7.606",
        "Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/",
        Class.BLOCK_REPUTATION,
    ),
    (
        550,
        "5.7.511",
        "Access denied, banned sender[192.0.2.1]. To request removal from this list please forward this message to delist@messaging.microsoft.com",
        Class.BLOCK_REPUTATION,
    ),
    (
        550,
        "5.7.708",
        "Service unavailable. Access denied, traffic not accepted from this IP. For more information please go to http://go.microsoft.com/fwlink/?LinkId=526653",
        Class.BLOCK_REPUTATION,
    ),
    (550, "5.7.0", "Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", Class.BLOCK_REPUTATION),
    (
        554,
        "5.7.1",
        "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
        Class.BLOCK_REPUTATION,
    ),
    (
        554,
        "5.7.1",
        "Service unavailable; Sender address [a@b] blocked using dbl.spamhaus.org",
        Class.BLOCK_REPUTATION,
    ),
    (550, "", "Your IP is blocked due to a poor reputation", Class.BLOCK_REPUTATION),
    (
        554,
        "",
        "IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify. (NOWL)",
        Class.BLOCK_REPUTATION,
    ),
    (421, "", "mail refused from your host: listed at RBL", Class.BLOCK_REPUTATION),
    (550, "5.7.1", "Connection refused - TooManyBadRecipients blacklisted", Class.BLOCK_REPUTATION),
    (
        550,
        "",
        "JunkMail rejected - mx.x [192.0.2.1]:1234 is in an RBL, see http://www.spamhaus.org",
        Class.BLOCK_REPUTATION,
    ),
    (
        550,
        "5.7.1",
        "Your email was rejected because the sending mail server appears to be on a RBL",
        Class.BLOCK_REPUTATION,
    ),
    (
        554,
        "",
        "Denied [hardbounce?] the sending IP address 192.0.2.1 has been blocked",
        Class.BLOCK_REPUTATION,
    ),
    (
        552,
        "5.7.0",
        "This message was blocked because its content presents a potential security issue. Please visit https://support.google.com/mail/?p=BlockedMessage",
        Class.CONTENT_REFUSED,
    ),
    (554, "5.7.1", "virus Eicar found", Class.CONTENT_REFUSED),
    (552, "5.7.0", "Our system detected an illegal attachment on your message.", Class.CONTENT_REFUSED),
    (
        553,
        "5.6.7",
        "the mail server takes no international addresses or headers (SMTPUTF8)",
        Class.INTERNATIONAL,
    ),
    (554, "5.6.0", "Message contains invalid header", Class.CONTENT_REFUSED),
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
    (451, "4.7.1", "Greylisting in action, please come back in 00:05:00", Class.GREYLISTED),
    (
        450,
        "4.2.0",
        "<x@y.z>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/y.z.html",
        Class.GREYLISTED,
    ),
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
        452,
        "4.2.2",
        "The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp",
        Class.MAILBOX_FULL,
    ),
    (552, "5.2.2", "user over quota", Class.MAILBOX_FULL),
    (552, "5.2.2", "<x@there.example>: user is over quota", Class.MAILBOX_FULL),
    (552, "", "sorry, mailbox is over quota (#5.2.2)", Class.MAILBOX_FULL),
    (550, "5.2.2", "The email account that you tried to reach is over quota", Class.MAILBOX_FULL),
    (550, "", "Mailbox quota usage exceeded", Class.MAILBOX_FULL),
    (452, "4.2.2", "Mailbox full", Class.MAILBOX_FULL),
    (522, "", "mailbox full", Class.MAILBOX_FULL),
    (554, "5.2.2", "mailbox full: no space left for user", Class.MAILBOX_FULL),
    (552, "5.3.4", "Your message exceeded Google's message size limits.", Class.MESSAGE_TOO_LARGE),
    (552, "", "Message size exceeds fixed maximum message size", Class.MESSAGE_TOO_LARGE),
    (552, "5.3.4", "Message size exceeds fixed limit", Class.MESSAGE_TOO_LARGE),
    (552, "5.3.4", "the message is larger than this mail server takes", Class.MESSAGE_TOO_LARGE),
    (
        550,
        "5.1.1",
        "The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces. Learn more at https://support.google.com/mail/?p=NoSuchUser y3si - gsmtp",
        Class.NO_SUCH_ADDRESS,
    ),
    (553, "5.1.3", "The recipient address <a..b@c> is not a valid RFC 5321 address.", Class.NO_SUCH_ADDRESS),
    (
        554,
        "5.0.0",
        "delivery error: dd This user doesn't have a yahoo.com account (x@there.example) [0] - mta1",
        Class.NO_SUCH_ADDRESS,
    ),
    (550, "5.1.1", "<x@there.example> recipient rejected, does not exist", Class.NO_SUCH_ADDRESS),
    (
        550,
        "5.4.1",
        "Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT]",
        Class.NO_SUCH_ADDRESS,
    ),
    (
        550,
        "5.1.10",
        "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
        Class.NO_SUCH_ADDRESS,
    ),
    (550, "5.1.1", "<x@there.example>: user does not exist", Class.NO_SUCH_ADDRESS),
    (
        550,
        "5.1.1",
        "<x@y.z>: Recipient address rejected: User unknown in local recipient table",
        Class.NO_SUCH_ADDRESS,
    ),
    (
        550,
        "5.1.1",
        "<x@y.z>: Recipient address rejected: User unknown in relay recipient table",
        Class.NO_SUCH_ADDRESS,
    ),
    (550, "", "sorry, no mailbox here by that name. (#5.1.1)", Class.NO_SUCH_ADDRESS),
    (511, "", "sorry, no mailbox here by that name (#5.1.1 - chkuser)", Class.NO_SUCH_ADDRESS),
    (550, "", "Unknown user", Class.NO_SUCH_ADDRESS),
    (550, "", "unrouteable address", Class.NO_SUCH_ADDRESS),
    (550, "", "No such person at this address", Class.NO_SUCH_ADDRESS),
    (550, "", "Invalid Recipient", Class.NO_SUCH_ADDRESS),
    (550, "", "Requested action not taken: mailbox not found", Class.NO_SUCH_ADDRESS),
    (550, "", "Account does not exist", Class.NO_SUCH_ADDRESS),
    (550, "", "<x@y>: no such recipient", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "Mailbox does not exist!", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "no mailbox by that name is currently available", Class.NO_SUCH_ADDRESS),
    (550, "", "#5.1.0 Address rejected x@y.z", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "Benutzer unbekannt", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "Recipient address rejected: user invalid", Class.NO_SUCH_ADDRESS),
    (553, "5.3.0", "<x@y.z>... User Unknown", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "<x@y.z>... Addressee unknown, relay=[192.0.2.1]", Class.NO_SUCH_ADDRESS),
    (
        550,
        "",
        "x@y.z: Mailbox unknown. Either there is no mailbox associated with this name or you do not have authorization to see it.",
        Class.NO_SUCH_ADDRESS,
    ),
    (550, "", "Invalid mailbox: x@y.z", Class.NO_SUCH_ADDRESS),
    (550, "", "cuda_nsu User Unknown", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "No such user here", Class.NO_SUCH_ADDRESS),
    (550, "", 'No Such User Here"', Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "unknown or illegal alias: kijitora@example.jp", Class.NO_SUCH_ADDRESS),
    (553, "5.3.0", "<kijitora@example.jp>... No such user here", Class.NO_SUCH_ADDRESS),
    (550, "", "Invalid recipient kijitora@example.com (#5.1.1)", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "Recipient not recognized", Class.NO_SUCH_ADDRESS),
    (550, "", "user unknown (in reply to RCPT TO command)", Class.NO_SUCH_ADDRESS),
    (550, "5.1.1", "This mailbox does not exist", Class.NO_SUCH_ADDRESS),
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
    (
        550,
        "5.7.1",
        "The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.",
        Class.POLICY,
    ),
    (
        554,
        "5.7.1",
        "[CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
        Class.POLICY,
    ),
    (550, "5.7.1", "Access denied", Class.POLICY),
    (554, "5.7.1", "Message rejected due to local policy", Class.POLICY),
    (550, "", "Administrative prohibition", Class.POLICY),
    (550, "", "Message deleted by rule", Class.POLICY),
    (501, "5.5.4", "Syntax: MAIL FROM:<address>", Class.PROTOCOL),
    (500, "5.5.2", "Error: bad syntax", Class.PROTOCOL),
    (
        450,
        "4.2.1",
        "The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. https://support.google.com/mail/?p=ReceivingRate",
        Class.RATE_LIMITED,
    ),
    (
        421,
        "4.7.28",
        "[192.0.2.1 15] Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.",
        Class.RATE_LIMITED,
    ),
    (
        421,
        "4.7.0",
        "Try again later, closing connection. Our system has detected an unusual rate of mail originating from your IP",
        Class.RATE_LIMITED,
    ),
    (
        421,
        "4.7.0",
        "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
        Class.RATE_LIMITED,
    ),
    (
        421,
        "4.7.1",
        "[TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes",
        Class.RATE_LIMITED,
    ),
    (
        451,
        "4.7.652",
        "The mail server [192.0.2.1] has exceeded the maximum number of connections. (S3115)",
        Class.RATE_LIMITED,
    ),
    (421, "", "Too many concurrent SMTP connections; please try again later.", Class.RATE_LIMITED),
    (450, "4.7.1", "Error: too much mail from 192.0.2.1", Class.RATE_LIMITED),
    (452, "4.5.3", "Too many recipients", Class.RATE_LIMITED),
    (421, "4.7.0", "mx.example Error: too many errors", Class.RATE_LIMITED),
    (451, "4.7.1", "Sorry, you have exceeded your hourly limit", Class.RATE_LIMITED),
    (
        421,
        "",
        "RP-001 The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed.",
        Class.RATE_LIMITED,
    ),
    (421, "4.4.5", "Too many messages in this connection", Class.RATE_LIMITED),
    (450, "", "You have sent too many messages. Please try again in 1 hour", Class.RATE_LIMITED),
    (452, "4.5.3", "Error: too many recipients", Class.RATE_LIMITED),
    (550, "5.5.0", "Requested action not taken: mailbox unavailable", Class.RECIPIENT_REFUSED),
    (
        550,
        "5.7.133",
        "RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group",
        Class.RECIPIENT_REFUSED,
    ),
    (550, "5.7.1", "user unknown", Class.RECIPIENT_REFUSED),
    (550, "", "mailbox unavailable", Class.RECIPIENT_REFUSED),
    (550, "5.7.1", "user does not exist", Class.RECIPIENT_REFUSED),
    (550, "5.7.1", "RESOLVER.RST.NotAuthorized; not authorized", Class.RECIPIENT_REFUSED),
    (
        550,
        "5.1.1",
        "RCP-P2 http://postmaster.facebook.com/response_codes?ip=192.0.2.1#rcp Refused due to recipient preferences",
        Class.RECIPIENT_REFUSED,
    ),
    (550, "", "recipient not in whitelist", Class.RECIPIENT_REFUSED),
    (550, "5.2.0", "User not available", Class.RECIPIENT_REFUSED),
    (554, "5.7.1", "<x@y.z>: Relay access denied", Class.RELAY_DENIED),
    (550, "", "relay not permitted", Class.RELAY_DENIED),
    (553, "", "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", Class.RELAY_DENIED),
    (550, "5.7.1", "Relaying denied. Proper authentication required.", Class.RELAY_DENIED),
    (
        550,
        "5.7.25",
        "[192.0.2.1] The IP address sending this message does not have a PTR record setup, or the corresponding forward DNS entry does not match the sending IP.",
        Class.REVERSE_DNS,
    ),
    (450, "4.7.1", "Client host rejected: cannot find your hostname, [192.0.2.1]", Class.REVERSE_DNS),
    (550, "5.7.1", "Client host rejected: cannot find your reverse hostname, [192.0.2.1]", Class.REVERSE_DNS),
    (550, "5.7.1", "<mail.x>: Helo command rejected: Host not found", Class.REVERSE_DNS),
    (550, "5.7.1", "Client host rejected: host address not found", Class.REVERSE_DNS),
    (450, "4.1.8", "<a@b>: Sender address rejected: Domain not found", Class.SENDER_REFUSED),
    (550, "5.1.8", "<a@b>: Sender address rejected: Domain not found", Class.SENDER_REFUSED),
    (553, "", "5.1.8 Domain of sender address a@b does not exist", Class.SENDER_REFUSED),
    (550, "5.1.0", "<a@b> sender rejected", Class.SENDER_REFUSED),
    (550, "5.7.1", "Sender address rejected: not logged in", Class.SENDER_REFUSED),
    (550, "", "Your account has been disabled for sending", Class.SENDER_REFUSED),
    (550, "", "Sender verify failed", Class.SENDER_REFUSED),
    (
        550,
        "",
        "Verification failed for <a@b> 550-Unrouteable address 550 Sender verify failed",
        Class.SENDER_REFUSED,
    ),
    (451, "4.7.500", "Server busy. Please try again later from [192.0.2.1]. (S77719)", Class.SERVER_TROUBLE),
    (452, "4.3.1", "Insufficient system storage", Class.SERVER_TROUBLE),
    (421, "4.3.2", "Service shutting down", Class.SERVER_TROUBLE),
    (451, "4.3.5", "Server configuration error", Class.SERVER_TROUBLE),
    (421, "", " Service not available, closing transmission channel", Class.SERVER_TROUBLE),
    (554, "5.3.0", "unknown mailer error 1", Class.SERVER_TROUBLE),
    (
        550,
        "5.7.1",
        "[192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.",
        Class.SPAM_CONTENT,
    ),
    (554, "5.7.1", "Message rejected as spam by Content Filtering.", Class.SPAM_CONTENT),
    (550, "", "High probability of spam", Class.SPAM_CONTENT),
    (571, "", "Message refused, spam", Class.SPAM_CONTENT),
    (
        554,
        "5.7.1",
        "The message from (<a@b>) with the subject of (x) matches a profile the Internet community may consider spam.",
        Class.SPAM_CONTENT,
    ),
    (554, "5.7.1", "Spam message rejected", Class.SPAM_CONTENT),
    (550, "5.7.1", "TRANSFAULT!! Rejected by bogofilter as UCE/spam", Class.SPAM_CONTENT),
    (454, "4.7.0", "TLS not available due to local problem", Class.TLS_FAILED),
    (454, "4.7.5", "TLS failed: certificate verify failed", Class.TLS_FAILED),
    (
        421,
        "4.7.29",
        "Your email has been rate limited because this message wasn't sent over a TLS connection",
        Class.TLS_REQUIRED,
    ),
    (530, "5.7.0", "Must issue a STARTTLS command first", Class.TLS_REQUIRED),
    (550, "5.7.10", "Encryption required", Class.TLS_REQUIRED),
    (550, "", "Requested action not taken", Class.UNKNOWN),
    (550, "", "No", Class.UNKNOWN),
    (554, "", "Transaction failed", Class.UNKNOWN),
    (451, "4.4.1", "could not connect: connection refused", Class.UNREACHABLE),
    (451, "4.4.2", "the server did not answer in time", Class.UNREACHABLE),
    (451, "4.4.2", "the connection was lost", Class.UNREACHABLE),
]

# Of a reporting server about its own attempt, without a reply of anybody.
OWN_WORDS = [
    ("Unrouteable address", Class.NO_SUCH_ADDRESS),
    ('Unrouteable mail domain "example.com"', Class.NO_SUCH_DOMAIN),
    ("all relevant MX records point to non-existent hosts", Class.NO_SUCH_DOMAIN),
    ("retry timeout exceeded", Class.EXPIRED),
    ("an MX or SRV record indicated no SMTP service", Class.NO_SUCH_DOMAIN),
    ("host lookup did not complete", Class.DNS_TROUBLE),
    (
        "all hosts for 'example.com' have been failing for a long time (and retry time not reached)",
        Class.DNS_TROUBLE,
    ),
    ("error while writing to /var/mail/x: mailbox is full", Class.MAILBOX_FULL),
    ("unknown user: kijitora", Class.NO_SUCH_ADDRESS),
    ("lowest numbered MX record points to local host", Class.LOOP),
    ('Too many "Received" headers - suspected mail loop', Class.LOOP),
    ("Sorry, no mailbox here by that name. vpopmail (#5.1.1)", Class.NO_SUCH_ADDRESS),
    ("user is over quota", Class.MAILBOX_FULL),
    (
        "Sorry. Although I'm listed as a best-preference MX or A for that host, it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)",
        Class.LOOP,
    ),
    ("CNAME lookup failed temporarily. (#4.4.3)", Class.DNS_TROUBLE),
    ("Sorry, I couldn't find any host named example.cc. (#5.1.2)", Class.NO_SUCH_DOMAIN),
    ("This address no longer accepts mail.", Class.ADDRESS_DISABLED),
    (
        "The e-mail account does not exist at the organization this message was sent to. Check the e-mail address, or contact the recipient directly to find out the correct address. <mx.example.com #5.1.1>",
        Class.NO_SUCH_ADDRESS,
    ),
    ("The recipient's mailbox is full or over limit", Class.MAILBOX_FULL),
    ("MSEXCH:IMS:NEKO:CAT:X 0 (000C05A6) Unknown Recipient", Class.NO_SUCH_ADDRESS),
    (
        "You do not have permission to send to this recipient. For assistance, contact your system administrator.",
        Class.RECIPIENT_REFUSED,
    ),
    ("mail for example.com loops back to myself", Class.LOOP),
    ("maildir delivery failed: error writing message: Disk quota exceeded", Class.MAILBOX_FULL),
    ("message size 10485760 exceeds size limit 5242880 of server mx.example.com", Class.MESSAGE_TOO_LARGE),
    ('Command died with status 1: "/usr/bin/procmail"', Class.SERVER_TROUBLE),
    ("User kijitora (kijitora@example.com) not listed in Domino Directory", Class.NO_SUCH_ADDRESS),
    ("User not listed in public Name & Address Book", Class.NO_SUCH_ADDRESS),
    ("Router: Failed to connect to SMTP host mx.example.com", Class.UNREACHABLE),
    ("No route found to domain example.com from server NEKO", Class.DNS_TROUBLE),
    ("Unknown user: kijitora@example.com", Class.NO_SUCH_ADDRESS),
    ("The user(s) account is disabled.", Class.ADDRESS_DISABLED),
    ("As their mailbox is full.", Class.MAILBOX_FULL),
    ("Destination seem to reject all mails", Class.RECIPIENT_REFUSED),
    ("Network error on destination MXs", Class.UNREACHABLE),
]


@pytest.mark.parametrize(("code", "enhanced", "text", "outcome"), REPLIES)
def test_a_reply_has_the_class_that_its_server_means(
    code: int, enhanced: str, text: str, outcome: Class
) -> None:
    assert classify(code, enhanced, text) is outcome


@pytest.mark.parametrize(("text", "outcome"), OWN_WORDS)
def test_a_server_s_own_words_have_a_class(text: str, outcome: Class) -> None:
    assert classify(0, "", text) is outcome


@pytest.mark.parametrize("stage", [Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.MAIL])
def test_what_is_said_before_the_recipient_is_named_is_never_hard(stage: Stage) -> None:
    assert classify(550, "5.1.1", "no such user", stage=stage) not in HARD_CLASSES


@pytest.mark.parametrize(("code", "enhanced"), [(450, "4.1.1"), (451, ""), (0, "4.1.1"), (554, "4.4.7")])
def test_what_may_pass_is_never_hard(code: int, enhanced: str) -> None:
    assert classify(code, enhanced, "user unknown") not in HARD_CLASSES


@pytest.mark.parametrize("enhanced", ["5.7.1", "5.6.0", "5.7.606", "5.3.4", "5.2.2"])
def test_words_of_a_gone_address_beside_another_code_are_not_hard(enhanced: str) -> None:
    assert classify(550, enhanced, "user unknown") not in HARD_CLASSES


@pytest.mark.parametrize(
    "words",
    [
        "your IP is on a blocklist",
        "blocked using zen.spamhaus.test",
        "rejected as spam",
        "SPF check failed",
        "sender domain does not exist",
        "reverse DNS lookup failed",
        "too many connections",
        "over quota",
        "temporarily greylisted",
        "recipient is not in your whitelist",
    ],
)
def test_who_is_blocked_and_told_user_unknown_in_one_breath_loses_no_address(words: str) -> None:
    assert classify(550, "", f"user unknown; {words}") not in HARD_CLASSES


def test_a_remote_that_knows_no_such_domain_may_mean_ours() -> None:
    assert classify(550, "", "domain does not exist") is Class.RECIPIENT_REFUSED
    assert classify(550, "5.1.2", "domain does not exist") is Class.NO_SUCH_DOMAIN
    assert classify(0, "", "domain does not exist") is Class.NO_SUCH_DOMAIN


def test_the_words_in_addresses_and_links_mean_nothing() -> None:
    text = "<spam.blocked@quota.example> refused, see https://there.example/blocklist/virus#dmarc"
    assert plain(text) == "<> refused, see there.example"


def test_codes_repeated_within_a_text_do_not_part_its_words() -> None:
    assert (
        classify(550, "5.7.1", "Messages with multiple 550 5.7.1 addresses in From:") is Class.CONTENT_REFUSED
    )


def test_a_2xx_is_a_delivery_whatever_it_says() -> None:
    assert classify(250, "2.0.0", "queued, mailbox full of joy") is Class.DELIVERED


def test_nothing_said_is_unknown() -> None:
    assert classify(0, "", "") is Class.UNKNOWN
    assert classify(550, "5.0.0", "") is Class.UNKNOWN
