"""Rows of invoices, in the same shape twice: the platform's to resellers, and a reseller's to its accounts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Date, DateTime, ForeignKey, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import PlatformBase, TenantBase
from platform_core.ids import AccountId

_MOMENT = DateTime(timezone=True)


class _Row:
    if TYPE_CHECKING:  # both bases make one that takes columns by name

        def __init__(self, **values: object) -> None: ...


class ProfileRow(_Row):
    """Who somebody is before the tax office; see `parties.Party`."""

    legal_name: Mapped[str] = mapped_column(Text)
    street: Mapped[str] = mapped_column(Text, server_default="")
    postal_code: Mapped[str] = mapped_column(Text, server_default="")
    city: Mapped[str] = mapped_column(Text, server_default="")
    country: Mapped[str] = mapped_column(Text)
    vat_id: Mapped[str] = mapped_column(Text, server_default="")
    tax_number: Mapped[str] = mapped_column(Text, server_default="")
    registration: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str] = mapped_column(Text, server_default="")
    language: Mapped[str] = mapped_column(Text, server_default="en")


class TermsRow(_Row):
    """How a seller bills; see `parties.Terms`."""

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)
    currency: Mapped[str] = mapped_column(Text)
    number_format: Mapped[str] = mapped_column(Text)
    credit_format: Mapped[str] = mapped_column(Text)
    payment_days: Mapped[int] = mapped_column(SmallInteger)
    account_holder: Mapped[str] = mapped_column(Text, server_default="")
    iban: Mapped[str] = mapped_column(Text, server_default="")
    bic: Mapped[str] = mapped_column(Text, server_default="")
    bank_name: Mapped[str] = mapped_column(Text, server_default="")
    one_stop_shop: Mapped[bool] = mapped_column(server_default="false")
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)


class SeriesRow(_Row):
    """The last number that was given in a series, and the day of its invoice."""

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    last_number: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_date: Mapped[date] = mapped_column(Date)


class InvoiceRow(_Row):
    """An issued invoice or credit note; amounts are minor units of `currency`, `document` is the whole paper."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    buyer_id: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(Text)
    number: Mapped[str] = mapped_column(Text, unique=True)
    series: Mapped[str] = mapped_column(Text)
    series_number: Mapped[int] = mapped_column(BigInteger)
    reference: Mapped[str] = mapped_column(Text, server_default="")
    corrects_id: Mapped[int | None] = mapped_column(BigInteger)
    issued_at: Mapped[datetime] = mapped_column(_MOMENT)
    issue_date: Mapped[date] = mapped_column(Date)
    due_date: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    gross: Mapped[int] = mapped_column(BigInteger)
    paid: Mapped[int] = mapped_column(BigInteger)
    due: Mapped[int] = mapped_column(BigInteger)
    document: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)


class SendingRow(_Row):
    """One e-mail with an invoice. `next_at` is when to try, None once it is sent or given up."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigInteger)
    send_to: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(_MOMENT)
    next_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    sent_at: Mapped[datetime | None] = mapped_column(_MOMENT)
    problem: Mapped[str] = mapped_column(Text, server_default="")


class ItemRow(_Row):
    """Something that was billed, by the key of its source."""

    buyer_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source: Mapped[str] = mapped_column(Text, primary_key=True)
    invoice_id: Mapped[int] = mapped_column(BigInteger)


class PaymentRow(_Row):
    """Money that came for an invoice after it was issued."""

    invoice_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reference: Mapped[str] = mapped_column(Text, primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(_MOMENT)


class PdfRow(_Row):
    """The paper as it was first made."""

    invoice_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    pdf: Mapped[bytes] = mapped_column(LargeBinary)


class TaxProfile(ProfileRow, TenantBase):
    __tablename__ = "tax_profile"

    account_id: Mapped[AccountId] = mapped_column(
        BigInteger, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )


class InvoiceTerms(TermsRow, TenantBase):
    __tablename__ = "invoice_terms"


class InvoiceSeries(SeriesRow, TenantBase):
    __tablename__ = "invoice_series"


class Invoice(InvoiceRow, TenantBase):
    __tablename__ = "invoice"


class InvoicedItem(ItemRow, TenantBase):
    __tablename__ = "invoiced_item"


class InvoicePayment(PaymentRow, TenantBase):
    __tablename__ = "invoice_payment"


class InvoicePdf(PdfRow, TenantBase):
    __tablename__ = "invoice_pdf"


class InvoiceSending(SendingRow, TenantBase):
    __tablename__ = "invoice_sending"


class PlatformTaxProfile(ProfileRow, PlatformBase):
    __tablename__ = "tax_profile"

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True)


class PlatformInvoiceTerms(TermsRow, PlatformBase):
    __tablename__ = "invoice_terms"


class PlatformInvoiceSeries(SeriesRow, PlatformBase):
    __tablename__ = "invoice_series"


class PlatformInvoice(InvoiceRow, PlatformBase):
    __tablename__ = "invoice"


class PlatformInvoicedItem(ItemRow, PlatformBase):
    __tablename__ = "invoiced_item"


class PlatformInvoicePayment(PaymentRow, PlatformBase):
    __tablename__ = "invoice_payment"


class PlatformInvoicePdf(PdfRow, PlatformBase):
    __tablename__ = "invoice_pdf"


class PlatformInvoiceSending(SendingRow, PlatformBase):
    __tablename__ = "invoice_sending"


@dataclass(frozen=True, slots=True)
class Books:
    """The tables of one level."""

    terms: type[TermsRow]
    series: type[SeriesRow]
    invoice: type[InvoiceRow]
    item: type[ItemRow]
    payment: type[PaymentRow]
    pdf: type[PdfRow]
    sending: type[SendingRow]


RESELLERS_BOOKS = Books(
    InvoiceTerms, InvoiceSeries, Invoice, InvoicedItem, InvoicePayment, InvoicePdf, InvoiceSending
)
PLATFORMS_BOOKS = Books(
    PlatformInvoiceTerms,
    PlatformInvoiceSeries,
    PlatformInvoice,
    PlatformInvoicedItem,
    PlatformInvoicePayment,
    PlatformInvoicePdf,
    PlatformInvoiceSending,
)
