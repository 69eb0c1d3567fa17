"""Small mails of our own, in the forms that mail servers use."""

ORIGINAL = "Message-ID: <ours@shop.example>\nX-Marked: 7\nFrom: Shop <news@shop.example>\nTo: ann@there.example\n\nHello\n"
DAEMON = "Mail Delivery System <MAILER-DAEMON@mx.there.example>"


def written(body: str, *, sender: str = DAEMON, subject: str = "failure notice", extra: str = "") -> bytes:
    """A mail of plain text. `extra`: header lines, each with its line end."""
    return f"From: {sender}\nSubject: {subject}\n{extra}\n{body}".encode()


def report(status: str, *, words: str = "Sorry.\n", original: str = ORIGINAL) -> bytes:
    """A report as RFC 3464 asks for. `status` are the per-recipient fields, with an empty line between recipients."""
    return _multipart(
        f"From: {DAEMON}\nSubject: Undelivered Mail Returned to Sender\n",
        "delivery-status",
        ("text/plain", words),
        ("message/delivery-status", f"Reporting-MTA: dns; mx.there.example\n\n{status}"),
        ("text/rfc822-headers", original),
    )


def feedback(fields: str, *, original: str = ORIGINAL) -> bytes:
    """A feedback report as RFC 5965 asks for."""
    return _multipart(
        "From: fbl@there.example\nSubject: FW: Hello\n",
        "feedback-report",
        ("text/plain", "This is an abuse report.\n"),
        ("message/feedback-report", f"User-Agent: there/1\nVersion: 1\n{fields}"),
        ("text/rfc822-headers", original),
    )


def _multipart(head: str, kind: str, *parts: tuple[str, str]) -> bytes:
    body = "".join(f"--cut\nContent-Type: {media_type}\n\n{text}\n" for media_type, text in parts)
    return (
        f"{head}Content-Type: multipart/report; report-type={kind}; boundary=cut\n\n{body}--cut--\n".encode()
    )
