"""Rows of the mail. Written by the database's own functions (`queue/functions`); read here."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Integer, LargeBinary, SmallInteger, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import TenantBase
from platform_core.ids import AccountId, SmtpAccountId

_MOMENT = DateTime(timezone=True)


class Message(TenantBase):
    """One accepted message without its body. `size` in octets; `id` carries the time (UUID version 7)."""

    __tablename__ = "message"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    smtp_account_id: Mapped[SmtpAccountId] = mapped_column(BigInteger)
    received_at: Mapped[datetime] = mapped_column(_MOMENT)
    mail_from: Mapped[str] = mapped_column(Text)
    header_from: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    message_id_header: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(Integer)
    recipients: Mapped[int] = mapped_column(SmallInteger)
    smtputf8: Mapped[bool]
    body_8bit: Mapped[bool]
    client_address: Mapped[str] = mapped_column(Text)
    client_helo: Mapped[str] = mapped_column(Text)
    tls_version: Mapped[str] = mapped_column(Text)
    envelope_id: Mapped[str] = mapped_column(Text, server_default="")
    dsn_return: Mapped[str] = mapped_column(Text, server_default="")


class MessageBody(TenantBase):
    """The bytes as they were accepted, with our trace header in front."""

    __tablename__ = "message_body"

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class Recipient(TenantBase):
    """One recipient of one message (`n` from 0) and where it stands.

    `lot_id`: the lot that paid; None: the plan, or nobody; 0: it is overage.
    """

    __tablename__ = "recipient"

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    rcpt_to: Mapped[str] = mapped_column(Text)
    domain: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    bounce_kind: Mapped[str | None] = mapped_column(Text)
    state_at: Mapped[datetime] = mapped_column(_MOMENT)
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    lot_id: Mapped[int | None] = mapped_column(BigInteger)
    outcome_class: Mapped[str] = mapped_column(Text, server_default="")
    dsn: Mapped[str | None] = mapped_column(Text)
    dsn_settled: Mapped[bool] = mapped_column(server_default="false")


class Held(TenantBase):
    """A recipient in state `held`: quota did not cover it, and its account waits for more. `bytes`: its share of the size
    of its message.
    """

    __tablename__ = "held"

    account_id: Mapped[AccountId] = mapped_column(BigInteger, primary_key=True)
    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    held_at: Mapped[datetime] = mapped_column(_MOMENT)
    bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class Event(TenantBase):
    """What happened to one recipient at one instant: an attempt with the remote's reply, or a drop."""

    __tablename__ = "event"

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(_MOMENT, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    bounce_kind: Mapped[str | None] = mapped_column(Text)
    reply_code: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    enhanced_code: Mapped[str] = mapped_column(Text, server_default="")
    reply_text: Mapped[str] = mapped_column(Text, server_default="")
    remote_host: Mapped[str] = mapped_column(Text, server_default="")
    remote_address: Mapped[str] = mapped_column(Text, server_default="")
    tls_version: Mapped[str] = mapped_column(Text, server_default="")
    duration_ms: Mapped[int] = mapped_column(Integer, server_default="0")
    next_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    outcome_class: Mapped[str] = mapped_column(Text, server_default="")
    source_address: Mapped[str] = mapped_column(Text, server_default="")
    tls_trust: Mapped[str] = mapped_column(Text, server_default="")


class Notice(TenantBase):
    """A report that a sender has asked for (RFC 3461) and that came due; `report_id`: the message that carries it."""

    __tablename__ = "notice"

    message_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    n: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    action: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime] = mapped_column(_MOMENT)
    status: Mapped[str] = mapped_column(Text, server_default="")
    diagnostic: Mapped[str] = mapped_column(Text, server_default="")
    remote_host: Mapped[str] = mapped_column(Text, server_default="")
    report_id: Mapped[UUID | None] = mapped_column(Uuid)
    closed_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class Suppression(TenantBase):
    """An address this account no longer sends to; `address` in lower case with an A-label domain."""

    __tablename__ = "suppression"

    account_id: Mapped[AccountId] = mapped_column(BigInteger, primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(_MOMENT)


class StatsHour(TenantBase):
    """Counts of recipients in one hour of the account's time zone; add up the slots."""

    __tablename__ = "stats_hour"

    account_id: Mapped[AccountId] = mapped_column(BigInteger, primary_key=True)
    hour: Mapped[datetime] = mapped_column(_MOMENT, primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    accepted: Mapped[int] = mapped_column(BigInteger, server_default="0")
    dropped: Mapped[int] = mapped_column(BigInteger, server_default="0")
    delivered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    deferred: Mapped[int] = mapped_column(BigInteger, server_default="0")
    bounced_hard: Mapped[int] = mapped_column(BigInteger, server_default="0")
    bounced_soft: Mapped[int] = mapped_column(BigInteger, server_default="0")
    expired: Mapped[int] = mapped_column(BigInteger, server_default="0")
    complained: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unsubscribed: Mapped[int] = mapped_column(BigInteger, server_default="0")
    discarded: Mapped[int] = mapped_column(BigInteger, server_default="0")
