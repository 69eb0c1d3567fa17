"""A message as it goes over the wire after DATA, and back from that to its header fields and body."""

from collections.abc import Sequence

from relay_worker.delivery.dkim import Signing, signature_fields
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.transaction import Outgoing


def pack(fields: Sequence[bytes], body: bytes, *, smtputf8: bool, signing: Signing) -> Outgoing:
    """The message, signed. `smtputf8`: it was submitted as one whose header may be beyond ASCII (RFC 6531)."""
    header = b"\r\n".join([*signature_fields(fields, body, signing.keys, signing.timestamp), *fields])
    raw = b"".join([header, b"\r\n\r\n", body])
    return Outgoing(
        wire=_dot_stuffed(raw) + (b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n"),
        size=len(raw),
        body_8bit=not body.isascii(),
        headers_need_smtputf8=smtputf8 and not header.isascii(),
        signing=signing,
    )


def unpack(message: Outgoing) -> tuple[tuple[bytes, ...], bytes]:
    """The header fields and the body that `message` was packed from, without our signatures."""
    unstuffed = message.wire.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    fields, body = split_message(unstuffed[1:] if unstuffed.startswith(b"..") else unstuffed)
    return fields[len(message.signing.keys) :], body


def _dot_stuffed(raw: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets a second one."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..") if b"\r\n." in raw else raw
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
