"""The invoice as data: EN 16931 in the syntax of UN/CEFACT CII, as Factur-X 1.0 (ZUGFeRD 2) embeds it in the PDF.

Element names and their order are the schema's; BT and BG numbers in comments are terms of EN 16931-1.
"""

from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from billing.invoices.countries import vat_prefix
from billing.invoices.document import Document, InvoiceKind, Line, LineKind
from billing.invoices.parties import Party
from billing.invoices.vat import VatCategory
from billing.invoices.words import words_in
from billing.money import Money

FILE_NAME = "factur-x.xml"
PROFILE = "urn:cen.eu:en16931:2017"

_NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
    "qdt": "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
}
_TYPE_CODES = {InvoiceKind.INVOICE: "380", InvoiceKind.CREDIT_NOTE: "381"}  # UNTDID 1001
_UNITS = {LineKind.PLAN: "MON"}  # UN/ECE recommendation 20; pieces (C62) otherwise
# VATEX code list of the Connecting Europe Facility
_EXEMPTIONS = {VatCategory.REVERSE_CHARGE: "VATEX-EU-AE", VatCategory.OUTSIDE_SCOPE: "VATEX-EU-O"}
_TRANSFER = "58"  # UNTDID 4461: SEPA credit transfer

for _prefix, _uri in _NAMESPACES.items():
    register_namespace(_prefix, _uri)


def facturx_xml(document: Document) -> bytes:
    """The whole invoice, UTF-8 with its XML declaration."""
    root = Element(_name("rsm:CrossIndustryInvoice"))
    context = _add(root, "rsm:ExchangedDocumentContext")
    _add(context, "ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", PROFILE)  # BT-24
    _head(_add(root, "rsm:ExchangedDocument"), document)
    deal = _add(root, "rsm:SupplyChainTradeTransaction")
    for line in document.lines:
        _line(_add(deal, "ram:IncludedSupplyChainTradeLineItem"), line, document)
    _agreement(_add(deal, "ram:ApplicableHeaderTradeAgreement"), document)
    delivered = _add(deal, "ram:ApplicableHeaderTradeDelivery/ram:ActualDeliverySupplyChainEvent")
    _day(delivered, "ram:OccurrenceDateTime", document.until or document.issue_date)  # BT-72
    _settlement(_add(deal, "ram:ApplicableHeaderTradeSettlement"), document)
    made: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return made


def _head(head: Element, document: Document) -> None:
    _add(head, "ram:ID", document.number)  # BT-1
    _add(head, "ram:TypeCode", _TYPE_CODES[document.kind])  # BT-3
    _day(head, "ram:IssueDateTime", document.issue_date)  # BT-2
    if document.corrects:
        _add(head, "ram:IncludedNote/ram:Content", document.corrects.reason)  # BT-22


def _line(item: Element, line: Line, document: Document) -> None:
    unit = _UNITS.get(line.kind, "C62")
    _add(item, "ram:AssociatedDocumentLineDocument/ram:LineID", str(line.position))  # BT-126
    _add(item, "ram:SpecifiedTradeProduct/ram:Name", words_in(document.language).line(line))  # BT-153
    price = _add(item, "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice")
    _add(price, "ram:ChargeAmount", _amount(line.unit_price, document))  # BT-146
    _add(price, "ram:BasisQuantity", str(line.per), unitCode=unit)  # BT-149
    billed = _add(item, "ram:SpecifiedLineTradeDelivery/ram:BilledQuantity", str(line.quantity))  # BT-129
    billed.set("unitCode", unit)
    settlement = _add(item, "ram:SpecifiedLineTradeSettlement")
    _tax_kind(_add(settlement, "ram:ApplicableTradeTax"), document)  # BT-151, BT-152
    _period(settlement, line.since, line.until)  # BG-26
    total = _add(settlement, "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount")
    total.text = _amount(line.net, document)  # BT-131


def _agreement(agreement: Element, document: Document) -> None:
    named = document.vat_category is not VatCategory.OUTSIDE_SCOPE
    _party(_add(agreement, "ram:SellerTradeParty"), document.seller, vat_named=named, seller=True)  # BG-4
    _party(_add(agreement, "ram:BuyerTradeParty"), document.buyer, vat_named=named, seller=False)  # BG-7


def _party(element: Element, party: Party, *, vat_named: bool, seller: bool) -> None:
    """BR-O-02 forbids VAT numbers where nothing is taxable; BR-CO-26 still wants to know the seller by some number."""
    if seller and not vat_named and not party.registration:
        _add(element, "ram:ID", party.tax_number or party.vat_id or party.legal_name)  # BT-29
    _add(element, "ram:Name", party.legal_name)  # BT-27, BT-44
    if party.registration:
        _add(element, "ram:SpecifiedLegalOrganization/ram:ID", party.registration)  # BT-30, BT-47
    address = _add(element, "ram:PostalTradeAddress")
    for tag, value in (
        ("ram:PostcodeCode", party.postal_code),
        ("ram:LineOne", party.street),
        ("ram:CityName", party.city),
        ("ram:CountryID", party.country),
    ):
        if value:
            _add(address, tag, value)
    if party.email:
        _add(element, "ram:URIUniversalCommunication/ram:URIID", party.email, schemeID="EM")  # BT-34, BT-49
    if seller and party.tax_number:
        _add(element, "ram:SpecifiedTaxRegistration/ram:ID", party.tax_number, schemeID="FC")  # BT-32
    if party.vat_id and vat_named:
        _add(element, "ram:SpecifiedTaxRegistration/ram:ID", _prefixed(party), schemeID="VA")  # BT-31, BT-48


def _prefixed(party: Party) -> str:
    """BR-CO-09 wants a country before every VAT number, also where the country itself has none."""
    prefix = vat_prefix(party.country)
    return party.vat_id if party.vat_id.startswith(prefix) else prefix + party.vat_id


def _settlement(settlement: Element, document: Document) -> None:
    _add(settlement, "ram:PaymentReference", document.number)  # BT-83
    _add(settlement, "ram:InvoiceCurrencyCode", document.currency)  # BT-5
    if document.bank.iban:
        _transfer(_add(settlement, "ram:SpecifiedTradeSettlementPaymentMeans"), document)
    _tax(_add(settlement, "ram:ApplicableTradeTax"), document)
    _period(settlement, document.since, document.until)  # BG-14
    _day(_add(settlement, "ram:SpecifiedTradePaymentTerms"), "ram:DueDateDateTime", document.due_date)  # BT-9
    _totals(_add(settlement, "ram:SpecifiedTradeSettlementHeaderMonetarySummation"), document)
    if document.corrects:
        _preceding(_add(settlement, "ram:InvoiceReferencedDocument"), document)  # BG-3


def _transfer(means: Element, document: Document) -> None:
    _add(means, "ram:TypeCode", _TRANSFER)  # BT-81
    account = _add(means, "ram:PayeePartyCreditorFinancialAccount")
    _add(account, "ram:IBANID", document.bank.iban)  # BT-84
    if document.bank.holder:
        _add(account, "ram:AccountName", document.bank.holder)  # BT-85
    if document.bank.bic:
        _add(means, "ram:PayeeSpecifiedCreditorFinancialInstitution/ram:BICID", document.bank.bic)  # BT-86


def _tax(tax: Element, document: Document) -> None:
    _add(tax, "ram:CalculatedAmount", _amount(document.tax, document))  # BT-117
    _add(tax, "ram:TypeCode", "VAT")
    if document.vat_note:
        _add(tax, "ram:ExemptionReason", words_in(document.language).say(document.vat_note))  # BT-120
    _add(tax, "ram:BasisAmount", _amount(document.net, document))  # BT-116
    _add(tax, "ram:CategoryCode", document.vat_category)  # BT-118
    if document.vat_category in _EXEMPTIONS:
        _add(tax, "ram:ExemptionReasonCode", _EXEMPTIONS[document.vat_category])  # BT-121
    _rate(tax, document)  # BT-119


def _tax_kind(tax: Element, document: Document) -> None:
    _add(tax, "ram:TypeCode", "VAT")
    _add(tax, "ram:CategoryCode", document.vat_category)
    _rate(tax, document)


def _rate(tax: Element, document: Document) -> None:
    """BR-O-05: what is outside the scope of VAT has no rate, not even zero."""
    if document.vat_category is not VatCategory.OUTSIDE_SCOPE:
        _add(tax, "ram:RateApplicablePercent", f"{Decimal(document.vat_basis_points).scaleb(-2):.2f}")


def _totals(sums: Element, document: Document) -> None:
    _add(sums, "ram:LineTotalAmount", _amount(document.net, document))  # BT-106
    _add(sums, "ram:TaxBasisTotalAmount", _amount(document.net, document))  # BT-109
    _add(sums, "ram:TaxTotalAmount", _amount(document.tax, document), currencyID=document.currency)  # BT-110
    if document.rounding:
        _add(sums, "ram:RoundingAmount", _amount(document.rounding, document))  # BT-114
    _add(sums, "ram:GrandTotalAmount", _amount(document.gross, document))  # BT-112
    if document.paid:
        _add(sums, "ram:TotalPrepaidAmount", _amount(document.paid, document))  # BT-113
    _add(sums, "ram:DuePayableAmount", _amount(document.due, document))  # BT-115


def _preceding(reference: Element, document: Document) -> None:
    assert document.corrects is not None
    _add(reference, "ram:IssuerAssignedID", document.corrects.number)  # BT-25
    day = _add(reference, "ram:FormattedIssueDateTime/qdt:DateTimeString", format="102")  # BT-26
    day.text = f"{document.corrects.issue_date:%Y%m%d}"


def _period(parent: Element, since: date | None, until: date | None) -> None:
    if since is None and until is None:
        return
    period = _add(parent, "ram:BillingSpecifiedPeriod")
    if since:
        _day(period, "ram:StartDateTime", since)
    if until:
        _day(period, "ram:EndDateTime", until)


def _day(parent: Element, path: str, on: date) -> None:
    """UNTDID 2379, code 102: YYYYMMDD."""
    _add(parent, f"{path}/udt:DateTimeString", f"{on:%Y%m%d}", format="102")


def _amount(amount: int, document: Document) -> str:
    return str(Money(amount, document.currency).decimal())


def _add(parent: Element, path: str, text: str = "", **attributes: str) -> Element:
    """New elements along `path`, the last one with `text` and `attributes`; always new ones, since most may repeat."""
    for step in path.split("/"):
        parent = SubElement(parent, _name(step))
    parent.attrib.update(attributes)
    parent.text = text or None
    return parent


def _name(prefixed: str) -> str:
    prefix, _, name = prefixed.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{name}"
