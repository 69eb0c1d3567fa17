"""Typed identifiers, and the time-ordered ids that messages carry."""

import os
from datetime import datetime
from typing import NewType
from uuid import UUID

ResellerId = NewType("ResellerId", int)
ResellerKey = NewType("ResellerKey", str)
AccountId = NewType("AccountId", int)
SmtpAccountId = NewType("SmtpAccountId", int)
UserId = NewType("UserId", int)
DomainId = NewType("DomainId", int)
MessageId = NewType("MessageId", UUID)


def new_message_id(now: datetime) -> MessageId:
    """A UUID version 7 (RFC 9562 5.7): 48 bits of milliseconds since 1970, then 74 random bits.

    Message tables are partitioned by this id, so `now` decides the partition a message lives in.
    """
    milliseconds = int(now.timestamp() * 1000)
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return MessageId(UUID(int=value))
