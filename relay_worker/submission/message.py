"""From what a client sent to a submission: the checks on the message, and the fields we add."""

from dataclasses import dataclass
from datetime import datetime

from platform_core.errors import SenderNotVerified
from platform_core.ids import new_message_id
from relay_worker.queue.door import Route, Submission
from relay_worker.submission import trace
from relay_worker.submission.data import checked
from relay_worker.submission.envelope import Transaction
from relay_worker.submission.header_from import mailbox_of_from
from relay_worker.submission.headers import Header, cut_out, decode_text, scan
from relay_worker.submission.replies import MAIL_LOOP, Refused

# How often one message may come here (RFC 5321 6.3). Mail of an app that another app forwards comes twice, a newsletter
# through a customer's own list server perhaps three times; what goes round between two of them is caught here, long before
# its Received fields are too many.
MOST_PASSES = 5
_MAX_MESSAGE_ID = 998  # characters of one line (RFC 5322 2.1.1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came in. `tls`: protocol and cipher as in the trace field, "" without; `tls_version`: the first."""

    client_address: str
    client_helo: str
    tls: str
    tls_version: str


def compose(
    data: bytes, transaction: Transaction, route: Route, origin: Origin, *, now: datetime, most_hops: int
) -> Submission:
    """The submission made of `data` as read (dots still in). Raises Refused, or SenderNotVerified for header From."""
    content = checked(data)
    header = scan(content)
    if header.received > most_hops or header.passes >= MOST_PASSES:
        raise Refused(MAIL_LOOP)
    author = mailbox_of_from(header.from_values)
    if author.domain not in route.domains:
        raise SenderNotVerified(author.domain)
    # The client's word is a permission, not a need: without a reason for it any server may take the message.
    smtputf8 = transaction.smtputf8 and _needs_smtputf8(content, header, transaction)
    message_id = new_message_id(now)
    front = [
        trace.received(
            host=route.smtp_host, message_id=message_id, at=now, tls=origin.tls, smtputf8=transaction.smtputf8
        )
    ]
    message_id_field = header.message_id
    if not message_id_field:
        added = trace.missing_message_id(message_id, author.domain)
        message_id_field = added.partition(b":")[2].strip()
        front.append(added)
    if not header.has_date:
        front.append(trace.missing_date(now))
    raw = b"".join((*front, cut_out(content, header.cut)))
    return Submission(
        message_id=message_id,
        reseller_id=route.reseller_id,
        account_id=route.account_id,
        smtp_account_id=route.smtp_account_id,
        received_at=now,
        mail_from=transaction.mail_from or "",
        rcpt_to=tuple(transaction.rcpt_to.values()),
        header_from=str(author),
        subject=decode_text(header.subject),
        message_id_header=decode_text(message_id_field, most=_MAX_MESSAGE_ID),
        smtputf8=smtputf8,
        body_8bit=not raw.isascii(),
        client_address=origin.client_address,
        client_helo=origin.client_helo,
        tls_version=origin.tls_version,
        raw=raw,
        envelope_id=transaction.envelope_id,
        dsn_return=transaction.dsn_return,
        rcpt_dsn=transaction.rcpt_dsn,
    )


def _needs_smtputf8(content: bytes, header: Header, transaction: Transaction) -> bool:
    """RFC 6531 3.6: an address or a header outside ASCII."""
    return not (
        content[: header.end].isascii()
        and (transaction.mail_from or "").isascii()
        and all(address.isascii() for address in transaction.rcpt_to.values())
    )
