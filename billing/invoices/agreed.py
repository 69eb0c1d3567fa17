"""What held for VAT when something was paid. It is kept with the payment, and the invoice says the same, whatever came after."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from billing.invoices.parties import Party
from billing.invoices.vat import Vat


@dataclass(frozen=True, slots=True)
class Agreed:
    """`net` and `tax`: minor units of what was paid. `buyer`: its tax data of that moment; None: it had told none yet."""

    net: int
    tax: int
    vat: Vat
    buyer: Party | None


_JSON: TypeAdapter[Agreed] = TypeAdapter(Agreed)


def to_json(agreed: Agreed | None) -> dict[str, Any] | None:
    """As it is kept in the database; None where nothing was agreed."""
    return _JSON.dump_python(agreed, mode="json") if agreed else None


def from_json(kept: dict[str, Any] | None) -> Agreed | None:
    return _JSON.validate_python(kept) if kept else None
