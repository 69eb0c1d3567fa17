"""Giving parts of a message another transfer encoding (RFC 2045 6); their content stays what it is."""

import email
import email.message
import email.policy
import io
from collections.abc import Callable, Iterator
from email.base64mime import body_encode as encode_base64
from email.generator import BytesGenerator
from quopri import encodestring as encode_quoted_printable

from relay_worker.delivery.ascii_headers import encode_field
from relay_worker.delivery.steps.line_ends import normalise_line_ends

_POLICY = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)
# RFC 1847 2.1: not an octet of these may change, or the signature in them is void.
_SEALED = frozenset({"multipart/signed", "multipart/encrypted"})

Part = email.message.Message


def recode(raw: bytes, wanted: Callable[[Part], bool]) -> bytes:
    """The message with each part that `wanted` names in quoted-printable (text) or base64 (all else).

    One whose parts can't be told apart stays as it is: nothing in it could be encoded and found again.
    """
    message = email.message_from_bytes(raw, policy=_POLICY)
    if _in_one_piece(message):
        return raw
    for part in message.walk():
        if not part.is_multipart() and wanted(part):
            _encode(part)
    return _written(message)


def recode_to_seven_bits(raw: bytes) -> bytes:
    """The message for a server without 8BITMIME (RFC 6152 3): every part with octets beyond ASCII encoded.

    Parts under a signature of the customer's (S/MIME, PGP) stay as they are: every server of today passes on what it
    gets, while recoding is sure to break them; so does a message whose parts can't be told apart. The header of the
    message itself is not touched.
    """
    message = email.message_from_bytes(raw, policy=_POLICY)
    if _in_one_piece(message):
        return raw
    for part in _open_parts(message):
        if part is not message:
            _encode_fields(part)
        if part.is_multipart():
            if str(part.get("Content-Transfer-Encoding", "")).strip().lower() in ("8bit", "binary"):
                part.replace_header("Content-Transfer-Encoding", "7bit")
        elif not str(part.get_payload()).isascii():
            _encode(part)
    return _written(message)


def _in_one_piece(message: Part) -> bool:
    """True when something in it claims to have parts (RFC 2046 5.1) and shows none: a boundary that never comes."""
    return any(
        part.get_content_maintype() == "multipart" and not part.is_multipart() for part in message.walk()
    )


def _open_parts(part: Part) -> Iterator[Part]:
    """The part and all below it, but for what is sealed."""
    if part.get_content_type() in _SEALED:
        return
    yield part
    if part.is_multipart():
        for below in part.get_payload():
            assert isinstance(below, Part)
            yield from _open_parts(below)


def _encode(part: Part) -> None:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    if part.get_content_maintype() == "text":
        encoding, text = "quoted-printable", encode_quoted_printable(content).decode("ascii")
    else:
        encoding, text = "base64", encode_base64(content)
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(text)


def _encode_fields(part: Part) -> None:
    """File names and the like in the header of a part; what can't be said in ASCII stays."""
    for name, value in part.raw_items():
        field = f"{name}: {value}".encode("utf-8", "surrogateescape")
        encoded = encode_field(field)
        if encoded is not None and encoded != field:
            part.replace_header(name, encoded.partition(b":")[2].strip().decode("ascii"))


def _written(message: Part) -> bytes:
    if "MIME-Version" not in message:
        message["MIME-Version"] = "1.0"  # RFC 2045 4: without it a reader need not look at encodings
    written = io.BytesIO()
    BytesGenerator(written, mangle_from_=False, policy=_POLICY).flatten(message)
    return normalise_line_ends(written.getvalue())
