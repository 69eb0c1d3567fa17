"""The invoice as PDF/A-3 with its data inside (Factur-X 1.0), made by WeasyPrint from the theme's page."""

import re
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pydyf
import weasyprint
from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from weasyprint.document import DocumentMetadata
from weasyprint.urls import URLFetcher, URLFetcherResponse

from billing.invoices.document import Document
from billing.invoices.facturx import FILE_NAME, facturx_xml
from billing.invoices.words import FOLDER, words_in
from platform_core.settings import ROOT

FONTS = ROOT / "whitelabel" / "static" / "vendor"
_BASE = "https://invoice.invalid/"  # never asked: names with that end don't exist (RFC 2606)
_XMP = (Path(__file__).with_name("facturx.xmp")).read_bytes


def invoice_pdf(document: Document) -> bytes:
    """The paper. Two calls don't give the same bytes, so what was sent is to be kept."""
    page = weasyprint.HTML(string=_page(document), base_url=_BASE, url_fetcher=_OnlyOurs())
    data = weasyprint.Attachment(
        string=facturx_xml(document),
        name=FILE_NAME,
        description="Factur-X",
        created=_midnight(document),
        modified=_midnight(document),
        relationship="Alternative",  # Factur-X 1.0, 6.2.2: the same invoice in another form
    )
    options = {"pdf_variant": "pdf/a-3b", "pdf_tags": True, "attachments": [data]}
    paper = page.render(**options)
    _declare_facturx(paper.metadata)
    made: bytes = paper.write_pdf(finisher=_name_data_once, **options)
    return made


def _page(document: Document) -> str:
    words = words_in(document.language)
    title = words.say(document.kind)
    return _pages().get_template("invoice.html").render(paper=document, words=words, title=title)


@cache
def _pages() -> Environment:
    pages = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "country": _country,
        "iban": _in_fours,
        "page_counter": _page_counter,
        "as_written": _as_written,
    }
    return pages


def _country(code: str, language: str) -> str:
    return str(Locale(language).territories.get(code, code))


def _in_fours(iban: str) -> str:
    """As people read it (ISO 13616)."""
    return " ".join(iban[n : n + 4] for n in range(0, len(iban), 4))


def _page_counter(words: str) -> Markup:
    """Inside a CSS string: the two control characters become the counters."""
    return Markup(words.replace("\u0001", '" counter(page) "').replace("\u0002", '" counter(pages) "'))  # noqa: S704 - words of ours


def _as_written(text: str) -> str:
    """`1010 Wien` on a Hebrew page too: from the side of its first letter (UAX 9, FSI and PDI)."""
    return f"\u2068{text}\u2069" if text else ""


class _OnlyOurs(URLFetcher):  # type: ignore[misc]  # WeasyPrint leaves it without types
    """Style and fonts of ours and the logo inside the page: no invoice makes us open a connection or a file."""

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        if not url.startswith(_BASE) or ".." in parts.path:
            raise ValueError(f"{url[:100]} is not part of an invoice.")
        if parts.path.startswith("/fonts/"):
            return URLFetcherResponse(url, FONTS.joinpath(parts.path.removeprefix("/fonts/")).read_bytes())
        style = FOLDER.joinpath(parts.path.removeprefix("/")).read_bytes()
        return URLFetcherResponse(url, style, {"Content-Type": "text/css; charset=utf-8"})


def _declare_facturx(metadata: DocumentMetadata) -> None:
    """XMP knows one RDF element alone, so ours goes into WeasyPrint's."""
    make = metadata.generate_rdf_metadata

    def with_facturx(*arguments: object) -> bytes:
        rdf: bytes = make(*arguments)
        return re.sub(rb"</rdf:RDF>\s*$", lambda end: _XMP() + end.group(), rdf)

    metadata.generate_rdf_metadata = with_facturx


def _name_data_once(_paper: weasyprint.Document, pdf: pydyf.PDF) -> None:
    """WeasyPrint lists each attachment twice, once for each place where it finds it."""
    pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))


def _midnight(document: Document) -> datetime:
    return datetime.combine(document.issue_date, time(), UTC)
