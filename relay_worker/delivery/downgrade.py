"""A message for a server that takes less than the message needs: built again without that, and signed again."""

from relay_worker.delivery.ascii_headers import encode_fields
from relay_worker.delivery.draft import split_message
from relay_worker.delivery.extensions import Extensions
from relay_worker.delivery.recode import recode_to_seven_bits
from relay_worker.delivery.transaction import Outgoing
from relay_worker.delivery.wire import pack, ready, unpack


def fitted(message: Outgoing, server: Extensions) -> Outgoing | None:
    """The message as this server can take it: nearly always as it is. None when that can't be without loss.

    RFC 6152 3 wants a body of 8 bits encoded for a server without 8BITMIME, RFC 6531 3.1 a header beyond ASCII sent to
    none without SMTPUTF8. The customer's own signatures may break by it; ours are made after it.
    """
    header_too_much = message.headers_need_smtputf8 and not server.smtputf8
    body_too_much = message.body_8bit and not server.eight_bit_mime
    if not (header_too_much or body_too_much):
        return message
    fields, body = unpack(message)
    if header_too_much:
        encoded = encode_fields(fields)
        if encoded is None:
            return None
        fields = encoded
    if body_too_much:
        fields, body = split_message(recode_to_seven_bits(b"\r\n".join([*fields, b"", body])))
    smtputf8 = message.headers_need_smtputf8 and not header_too_much
    return pack(fields, ready(body, message.signing), smtputf8=smtputf8)
