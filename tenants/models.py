"""Rows of who: the platform's resellers, hostnames and staff, and inside a reseller its accounts, users and domains."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, FetchedValue, ForeignKey, Integer, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from platform_core.database import PlatformBase, ResellerRef, TenantBase
from platform_core.ids import AccountId, DomainId, ResellerId, ResellerKey, SmtpAccountId, UserId


class State(StrEnum):
    """Of a reseller, an account, a user or an SMTP account: may it act?"""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class AccountKind(StrEnum):
    MAIN = "main"
    SUB = "sub"


class Role(StrEnum):
    """What a user may do in its account: an owner changes things, a member looks at them."""

    OWNER = "owner"
    MEMBER = "member"


class AtQuotaEnd(StrEnum):
    """What becomes of mail that cap, plan and credits of an account don't cover."""

    REFUSE = "refuse"
    HOLD = "hold"


class HostPurpose(StrEnum):
    PORTAL = "portal"
    SMTP = "smtp"
    TRACKING = "tracking"
    RETURN_PATH = "return_path"


class DomainState(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"


class KeyState(StrEnum):
    """Of a DKIM key: `next` is published but does not sign yet, `retired` has signed mail that is still on its way."""

    ACTIVE = "active"
    NEXT = "next"
    RETIRED = "retired"


_MOMENT = DateTime(timezone=True)


class Reseller(PlatformBase):
    __tablename__ = "reseller"

    id: Mapped[ResellerId] = mapped_column(Integer, primary_key=True)
    key: Mapped[ResellerKey] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=State.ACTIVE)
    customers_cap: Mapped[int | None] = mapped_column(BigInteger)
    keep_mail_days: Mapped[int] = mapped_column(Integer, server_default="90")
    keep_body_days: Mapped[int] = mapped_column(Integer, server_default="30")
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())

    @property
    def ref(self) -> ResellerRef:
        return ResellerRef(self.id, self.key)

    @property
    def active(self) -> bool:
        return self.state == State.ACTIVE


class Hostname(PlatformBase):
    __tablename__ = "hostname"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    reseller_id: Mapped[ResellerId] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )
    purpose: Mapped[str] = mapped_column(Text)
    certificate: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())


class SmtpRoute(PlatformBase):
    """Kept by a trigger; here to be compared with the schema, never written."""

    __tablename__ = "smtp_route"

    user_name: Mapped[str] = mapped_column(Text, primary_key=True)
    reseller_id: Mapped[ResellerId] = mapped_column(
        Integer, ForeignKey("platform.reseller.id", ondelete="CASCADE")
    )
    account_id: Mapped[AccountId] = mapped_column(BigInteger)
    smtp_account_id: Mapped[SmtpAccountId] = mapped_column(BigInteger)
    verifier: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text)


class Staff(PlatformBase):
    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=State.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())


class StaffSession(PlatformBase):
    """One login of one member of staff; `token_hash` is the SHA-256 of what the cookie holds."""

    __tablename__ = "staff_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    staff_id: Mapped[int] = mapped_column(Integer, ForeignKey("platform.staff.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime] = mapped_column(_MOMENT)
    last_seen_at: Mapped[datetime] = mapped_column(_MOMENT)
    address: Mapped[str] = mapped_column(Text, server_default="")
    user_agent: Mapped[str] = mapped_column(Text, server_default="")


class AuditEntry(PlatformBase):
    """Who of the staff did what; only ever added to."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    reseller_id: Mapped[ResellerId | None] = mapped_column(Integer)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class Brand(TenantBase):
    """The one row of how a reseller looks and what it is called."""

    __tablename__ = "brand"

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)
    company_name: Mapped[str] = mapped_column(Text)
    site_url: Mapped[str] = mapped_column(Text, server_default="")
    support_email: Mapped[str] = mapped_column(Text, server_default="")
    logo_url: Mapped[str] = mapped_column(Text, server_default="")
    primary_colour: Mapped[str] = mapped_column(Text, server_default="#2563eb")
    theme: Mapped[str] = mapped_column(Text, server_default="default")


class Account(TenantBase):
    """A sending account: the reseller's own main account, or a sub-account, one end customer."""

    __tablename__ = "account"

    id: Mapped[AccountId] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=State.ACTIVE)
    time_zone: Mapped[str] = mapped_column(Text, server_default="UTC")
    monthly_cap: Mapped[int | None] = mapped_column(BigInteger)
    plan_quota: Mapped[int] = mapped_column(BigInteger, server_default="0")
    period_start: Mapped[datetime | None] = mapped_column(_MOMENT)
    period_end: Mapped[datetime | None] = mapped_column(_MOMENT)
    next_quota: Mapped[int | None] = mapped_column(BigInteger)
    overage_quota: Mapped[int] = mapped_column(BigInteger, server_default="0")
    next_overage_quota: Mapped[int] = mapped_column(BigInteger, server_default="0")
    daily_cap: Mapped[int | None] = mapped_column(BigInteger)
    minute_rate: Mapped[int | None] = mapped_column(Integer)
    most_smtp_accounts: Mapped[int | None] = mapped_column(Integer)
    most_domains: Mapped[int | None] = mapped_column(Integer)
    most_api_keys: Mapped[int | None] = mapped_column(Integer)
    most_dedicated_ips: Mapped[int | None] = mapped_column(Integer)
    list_unsubscribe: Mapped[bool] = mapped_column(server_default="false")
    require_tls: Mapped[bool] = mapped_column(server_default="false")
    at_quota_end: Mapped[str] = mapped_column(Text, server_default=AtQuotaEnd.REFUSE)
    held_limit: Mapped[int] = mapped_column(Integer, server_default="10000")
    held_bytes: Mapped[int] = mapped_column(BigInteger, server_default="1073741824")
    keep_bodies: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())

    @property
    def is_main(self) -> bool:
        return self.kind == AccountKind.MAIN


class User(TenantBase):
    """A person who logs in to the portal; belongs to one account."""

    __tablename__ = "user"

    id: Mapped[UserId] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text, server_default="")
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=State.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
    account: Mapped[Account] = relationship(lazy="joined")


class LoginSession(TenantBase):
    """One login of one user; `token_hash` is the SHA-256 of what the cookie holds."""

    __tablename__ = "login_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UserId] = mapped_column(BigInteger, ForeignKey("user.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(_MOMENT)
    expires_at: Mapped[datetime] = mapped_column(_MOMENT)
    last_seen_at: Mapped[datetime] = mapped_column(_MOMENT)
    address: Mapped[str] = mapped_column(Text, server_default="")
    user_agent: Mapped[str] = mapped_column(Text, server_default="")


class SmtpAccount(TenantBase):
    """A login to the relay. The secret itself is kept nowhere; `verifier` is its HMAC."""

    __tablename__ = "smtp_account"

    id: Mapped[SmtpAccountId] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    user_name: Mapped[str] = mapped_column(Text, unique=True)
    verifier: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default=State.ACTIVE)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
    rotated_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    last_used_at: Mapped[datetime | None] = mapped_column(_MOMENT)


class Domain(TenantBase):
    """A sending domain. `checks` holds the last look at its DNS records, as `tenants.domains.dns` writes them."""

    __tablename__ = "domain"

    id: Mapped[DomainId] = mapped_column(BigInteger, primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(BigInteger, ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default=DomainState.PENDING)
    return_path_verified: Mapped[bool] = mapped_column(server_default="false")
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    checked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    failing_since: Mapped[datetime | None] = mapped_column(_MOMENT)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
    keys: Mapped[list["DkimKey"]] = relationship(
        order_by="DkimKey.id", cascade="all, delete-orphan", passive_deletes=True
    )


class DkimKey(TenantBase):
    """One DKIM key of a domain: `public_key` as it stands in DNS (base64), the private one sealed."""

    __tablename__ = "dkim_key"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    domain_id: Mapped[DomainId] = mapped_column(BigInteger, ForeignKey("domain.id", ondelete="CASCADE"))
    selector: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())


class SigningDomain(TenantBase):
    """The one domain, if any, that signs all mail of a reseller a second time. `checks` as in `Domain`."""

    __tablename__ = "signing_domain"

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)
    name: Mapped[str] = mapped_column(Text)
    selector: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default=DomainState.PENDING)
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    checked_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    failing_since: Mapped[datetime | None] = mapped_column(_MOMENT)
    created_at: Mapped[datetime] = mapped_column(_MOMENT, server_default=FetchedValue())
