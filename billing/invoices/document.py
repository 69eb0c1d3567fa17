"""An invoice as a paper: everything that stands on it, in one immutable value. Pure; amounts are minor units."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from billing.invoices.agreed import Agreed
from billing.invoices.parties import Party
from billing.invoices.vat import Vat, VatCategory, VatNote
from billing.money import net_within, price_of, share_of


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class LineKind(StrEnum):
    """What a line is for; the words come with the paper's language."""

    PLAN = "plan"
    CREDITS = "credits"
    ADDRESSES = "addresses"
    OVERAGE = "overage"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """Something to bill: `quantity` at `unit_price` for every `per` of them.

    `detail` follows the words of its kind, as the name of a plan does. `source` is what it comes from, for all invoices of
    a buyer the same (`lot:7`): it is billed once. `settled`: the price included VAT, and was paid before. `agreed`: with
    which VAT; None where that was not written down.
    """

    kind: LineKind
    quantity: int
    unit_price: int
    per: int = 1
    detail: str = ""
    since: date | None = None
    until: date | None = None
    source: str = ""
    settled: bool = False
    agreed: Agreed | None = None

    @property
    def price(self) -> int:
        """For all of it, rounded."""
        return price_of(self.quantity, self.unit_price, self.per)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the paper; `position` counts from 1. `until` is the last day, not the one after it.

    `source`: see DraftLine.
    """

    position: int
    kind: LineKind
    quantity: int
    unit_price: int
    per: int
    net: int
    detail: str = ""
    since: date | None = None
    until: date | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one account sent in the period, in recipients: for information, it has no price of its own."""

    account: str
    accepted: int
    from_plan: int
    from_credits: int
    overage: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Where the buyer pays to; all "" where it pays otherwise."""

    holder: str = ""
    iban: str = ""
    bic: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a credit note corrects, and why, in the seller's words."""

    number: str
    issue_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the paper looks like. `colour`: #rrggbb; `logo`: a data URL, or ""."""

    name: str
    colour: str
    logo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The paper. One VAT category applies to all of it, since everything we sell is the same kind of service.

    `paid` was paid before it was issued; `rounding` makes up what VAT on the sum and VAT within paid prices differ by. `since` and `until` (the last day) are the period billed, if there is one.
    """

    kind: InvoiceKind
    number: str
    issue_date: date
    due_date: date
    currency: str
    seller: Party
    buyer: Party
    bank: Bank
    look: Look
    lines: tuple[Line, ...]
    usage: tuple[UsageRow, ...]
    vat_category: VatCategory
    vat_basis_points: int
    vat_note: VatNote | None
    net: int
    tax: int
    paid: int
    rounding: int = 0
    since: date | None = None
    until: date | None = None
    corrects: Correction | None = None

    @property
    def gross(self) -> int:
        return self.net + self.tax

    @property
    def due(self) -> int:
        """What is left to pay; of a credit note, what the buyer gets."""
        return self.gross - self.paid + self.rounding

    @property
    def language(self) -> str:
        """The buyer reads it."""
        return self.buyer.language


_JSON: TypeAdapter[Document] = TypeAdapter(Document)


def to_json(document: Document) -> dict[str, Any]:
    """As it is kept in the database."""
    kept: dict[str, Any] = _JSON.dump_python(document, mode="json")
    return kept


def from_json(kept: dict[str, Any]) -> Document:
    return _JSON.validate_python(kept)


@dataclass(frozen=True, slots=True)
class Totals:
    net: int
    tax: int


def totals_of(nets: Sequence[int], vat: Vat) -> Totals:
    """EN 16931, BR-CO-10 and BR-CO-17: the lines' rounded amounts are added, VAT is reckoned once, on their sum."""
    net = sum(nets)
    return Totals(net, share_of(net, vat.basis_points))


def net_of(draft: DraftLine, vat: Vat) -> int:
    """Without VAT, also where the price included it."""
    return net_within(draft.price, vat.basis_points) if draft.settled else draft.price


def rounding_of(drafts: Sequence[DraftLine], vat: Vat) -> int:
    """What is to be added (BT-114) so that only lines that are not settled are due: a few minor units at most."""
    nets = [net_of(draft, vat) for draft in drafts]
    whole, owed = (
        totals_of(nets, vat),
        [n for n, draft in zip(nets, drafts, strict=True) if not draft.settled],
    )
    due = sum(owed) + totals_of(owed, vat).tax
    return due - (whole.net + whole.tax - paid_of(drafts))


def paid_of(drafts: Sequence[DraftLine]) -> int:
    """VAT included."""
    return sum(draft.price for draft in drafts if draft.settled)


def lines_of(drafts: Sequence[DraftLine], vat: Vat) -> tuple[Line, ...]:
    """The lines in the order given, rounded each for itself. A settled one shows its price for all, without VAT."""
    return tuple(_line(position, draft, vat) for position, draft in enumerate(drafts, 1))


def _line(position: int, draft: DraftLine, vat: Vat) -> Line:
    net = net_of(draft, vat)
    per_unit = (net, draft.quantity) if draft.settled else (draft.unit_price, draft.per)
    return Line(
        position=position,
        kind=draft.kind,
        quantity=draft.quantity,
        unit_price=per_unit[0],
        per=per_unit[1],
        net=net,
        detail=draft.detail,
        since=draft.since,
        until=draft.until,
        source=draft.source,
    )


def credited(line: Line, net: int) -> Line:
    """A line of a credit note that takes back `net` of `line`: all of it as it stood, a part as one sum."""
    if net == line.net:
        return line
    return replace(line, quantity=1, unit_price=net, per=1, net=net)
