"""A message as it goes over the wire after DATA, and back from that to its header fields and body."""

from collections.abc import Sequence
from dataclasses import dataclass

from platform_core.mail.lines import has_dot_ahead
from relay_worker.delivery.dkim import Signing, body_hash, signature_fields
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.transaction import Outgoing


@dataclass(frozen=True, slots=True)
class ReadyBody:
    """A body as it goes over the wire, and what copies of its message say of it; made once for all of them.

    `size` counts octets without stuffing and final dot. `hashed` is what a signature says of it, b"" where nobody signs.
    """

    wire: bytes
    size: int
    eight_bit: bool
    hashed: bytes
    signing: Signing


def ready(body: bytes, signing: Signing) -> ReadyBody:
    """The body for every copy that `signing` signs."""
    ending = b".\r\n" if body.endswith(b"\r\n") or not body else b"\r\n.\r\n"
    return ReadyBody(
        wire=_dot_stuffed(body) + ending,
        size=len(body),
        eight_bit=not body.isascii(),
        hashed=body_hash(body) if signing.keys else b"",
        signing=signing,
    )


def pack(fields: Sequence[bytes], body: ReadyBody, *, smtputf8: bool) -> Outgoing:
    """The message, signed. `smtputf8`: it was submitted as one whose header may be beyond ASCII (RFC 6531)."""
    signing = body.signing
    signatures = signature_fields(fields, body.hashed, signing.keys, signing.timestamp)
    head = b"\r\n".join([*signatures, *fields, b"", b""])
    return Outgoing(
        head=_dot_stuffed(head),
        body=body.wire,
        size=len(head) + body.size,
        body_8bit=body.eight_bit,
        headers_need_smtputf8=smtputf8 and not head.isascii(),
        signing=signing,
    )


def unpack(message: Outgoing) -> tuple[tuple[bytes, ...], bytes]:
    """The header fields and the body that `message` was packed from, without our signatures."""
    fields, _ = split_message(_unstuffed(message.head))
    return fields[len(message.signing.keys) :], _unstuffed(message.body.removesuffix(b".\r\n"))


def _dot_stuffed(raw: bytes) -> bytes:
    """RFC 5321 4.5.2: a line that begins with a dot gets a second one."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..") if has_dot_ahead(raw) else raw
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _unstuffed(wire: bytes) -> bytes:
    """What `_dot_stuffed` was given."""
    raw = wire.replace(b"\r\n..", b"\r\n.")
    return raw[1:] if raw.startswith(b"..") else raw
