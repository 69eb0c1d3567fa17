"""Cutting what is to be billed into invoices: what was paid under other tax data, or with another VAT, has one of its own.

One VAT and one buyer stand on an invoice. What was agreed at a payment is not decided anew by what holds now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from pydantic import TypeAdapter

from billing.invoices.document import DraftLine
from billing.invoices.monthly.month import Month
from billing.invoices.parties import Party
from billing.invoices.vat import Vat


@dataclass(frozen=True, slots=True)
class Heading:
    """Whom an invoice names, and its VAT; None: nobody can say yet."""

    buyer: Party | None
    vat: Vat | None


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of one invoice, and what it is for."""

    heading: Heading
    reference: str
    lines: list[DraftLine] = field(default_factory=list)

    @property
    def price(self) -> int:
        """Of its lines; VAT included where they are settled."""
        return sum(line.price for line in self.lines)


_JSON: TypeAdapter[Heading] = TypeAdapter(Heading)


def parts_of(lines: Sequence[DraftLine], present: Heading, month: Month) -> list[Part]:
    """The month's own invoice first, by what holds now; then those by what was agreed otherwise. None is empty."""
    parts = {present: Part(present, month.reference)}
    for line in lines:
        heading = _heading_of(line, present)
        part = parts.setdefault(heading, Part(heading, f"{month.reference}/{_mark(heading)}"))
        part.lines.append(line)
    return [part for part in parts.values() if part.lines]


def _heading_of(line: DraftLine, present: Heading) -> Heading:
    agreed = line.agreed
    if agreed is None:
        return present
    if agreed.buyer is None or present.buyer is None:
        return Heading(agreed.buyer or present.buyer, agreed.vat)
    # Where to send it and in which language is no matter of tax: there the buyer's present wish counts.
    buyer = replace(agreed.buyer, email=present.buyer.email, language=present.buyer.language)
    return Heading(buyer, agreed.vat)


def _mark(heading: Heading) -> str:
    """The same whenever it is asked, so that the invoice is found again."""
    buyer = heading.buyer and replace(heading.buyer, email="", language="en")
    return sha256(_JSON.dump_json(replace(heading, buyer=buyer))).hexdigest()[:12]
