"""Header fields beyond ASCII (RFC 6532) said in ASCII, where that loses nothing: RFC 2047, RFC 2231, A-labels."""

from email.header import Header, decode_header, make_header
from email.headerregistry import Address, AddressHeader, Group, ParameterizedMIMEHeader
from email.policy import SMTP

from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from relay_worker.delivery.draft import name_of

_ADDRESSES = frozenset(
    {b"from", b"sender", b"reply-to", b"to", b"cc"}
    | {b"resent-from", b"resent-sender", b"resent-to", b"resent-cc"}
)
_WITH_PARAMETERS = frozenset({b"content-type", b"content-disposition"})
# Of these every octet has its meaning: there is no other way to say what they say.
_EXACT = frozenset(
    {b"message-id", b"in-reply-to", b"references", b"date", b"received", b"return-path", b"dkim-signature"}
    | {b"resent-message-id", b"resent-date", b"mime-version", b"content-transfer-encoding", b"content-id"}
    | {
        b"list-unsubscribe",
        b"list-unsubscribe-post",
        b"list-id",
        b"list-help",
        b"list-post",
        b"list-subscribe",
    }
    | {b"authentication-results", b"arc-seal", b"arc-message-signature", b"arc-authentication-results"}
)


def encode_fields(fields: tuple[bytes, ...]) -> tuple[bytes, ...] | None:
    """All the fields in ASCII; None when one of them can't be."""
    encoded = tuple(encode_field(field) for field in fields)
    known = tuple(field for field in encoded if field is not None)
    return known if len(known) == len(fields) else None


def encode_field(field: bytes) -> bytes | None:
    """The field in ASCII, saying the same; None when it can't. `field` is whole, without the CRLF at its end."""
    if field.isascii():
        return field
    name = name_of(field)
    try:
        text = field.partition(b":")[2].replace(b"\r\n", b"").decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
    if name in _EXACT:
        return None
    original = field.partition(b":")[0].decode("ascii").rstrip()
    if name in _ADDRESSES:
        return _encode_addresses(original, text)
    if name in _WITH_PARAMETERS:
        return _encode_parameters(original, text)
    return _encode_text(original, text)


def _encode_text(name: str, text: str) -> bytes | None:
    """Unstructured text, which any field that nobody knows is (RFC 5322 3.6.8)."""
    if "=?" in text:  # words that are encoded already must not be encoded once more
        text = _decoded(text)
    encoded = Header(text, "utf-8", header_name=name).encode(linesep="\r\n")
    if str(make_header(decode_header(encoded))) != text:
        return None
    return f"{name}: {encoded}".encode("ascii")


def _decoded(text: str) -> str:
    """What is between encoded words comes out of `decode_header` in an encoding of its own."""
    return "".join(
        part.decode(charset or "raw-unicode-escape", "replace") if isinstance(part, bytes) else part
        for part, charset in decode_header(text)
    )


def _encode_addresses(name: str, text: str) -> bytes | None:
    header = SMTP.header_factory(name, text)
    if not isinstance(header, AddressHeader) or not header.addresses:
        return None
    try:
        said = [_with_ascii_domains(group) for group in header.groups]
    except AddressSyntax:
        return None
    if not all(one.username.isascii() for group in said for one in group.addresses):
        return None  # a local part has no other form (RFC 6530 7)
    return _folded(SMTP.header_factory(name, said).fold(policy=SMTP))


def _with_ascii_domains(group: Group) -> Group:
    addresses = [
        Address(one.display_name, one.username, one.domain and domain_to_ascii(one.domain))
        for one in group.addresses
    ]
    return Group(group.display_name, addresses)


def _encode_parameters(name: str, text: str) -> bytes | None:
    header = SMTP.header_factory(name, text)
    folded = _folded(header.fold(policy=SMTP))
    if folded is None or not isinstance(header, ParameterizedMIMEHeader):
        return None
    again = SMTP.header_factory(name, folded.partition(b":")[2].replace(b"\r\n", b"").decode("ascii"))
    return folded if again.params == header.params else None


def _folded(text: str) -> bytes | None:
    return text.removesuffix("\r\n").encode("ascii") if text.isascii() else None
