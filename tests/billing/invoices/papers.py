"""A reseller in Vienna that bills in euros, buyers here and there, and what October might have been."""

from datetime import date

from billing.invoices.document import DraftLine, LineKind
from billing.invoices.parties import Party, Terms
from billing.invoices.services import Draft
from tenants.models import Account

VIENNA = Party(
    legal_name="Acme Mail GmbH",
    street="Ringstraße 1",
    postal_code="1010",
    city="Wien",
    country="AT",
    vat_id="ATU12345675",
    registration="FN 123456 a",
    email="billing@acme.example",
)
LYON = Party(
    legal_name="Fleurs SARL",
    street="3 rue de la Paix",
    postal_code="69001",
    city="Lyon",
    country="FR",
    vat_id="FR40303265045",
    email="compta@fleurs.example",
    language="fr",
)
GRAZ = Party(
    legal_name="Muster KG",
    street="Hauptplatz 2",
    postal_code="8010",
    city="Graz",
    country="AT",
    email="buero@muster.example",
    language="de",
)
TEL_AVIV = Party(
    legal_name="דואר מהיר בע״מ",
    street="רוטשילד 1",
    postal_code="6688101",
    city="תל אביב",
    country="IL",
    vat_id="516179157",
    email="office@doar.example",
    language="he",
)
TERMS = Terms(
    currency="EUR",
    number_format="AM-{year}-{number:04}",
    credit_format="GS-{year}-{number:04}",
    account_holder="Acme Mail GmbH",
    iban="AT611904300234573201",
    bic="BKAUATWW",
    bank_name="Bank Austria",
)
PLAN = DraftLine(
    kind=LineKind.PLAN,
    detail="Growth",
    quantity=1,
    unit_price=4900,
    since=date(2026, 10, 1),
    until=date(2026, 10, 31),
)
CREDITS = DraftLine(
    kind=LineKind.CREDITS, quantity=25_000, unit_price=80, per=1000, since=date(2026, 10, 5), source="lot:7"
)


def draft(account: Account, buyer: Party = GRAZ, *lines: DraftLine, reference: str = "") -> Draft:
    """What October's invoice might be."""
    return Draft(
        buyer_id=account.id,
        buyer=buyer,
        lines=lines or (PLAN, CREDITS),
        since=date(2026, 10, 1),
        until=date(2026, 10, 31),
        reference=reference,
    )
