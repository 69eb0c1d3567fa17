"""`frankpost invoice`: what was billed. Of a reseller's books with --reseller, otherwise of the platform's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.orm import Session

from billing.invoices.models import InvoiceRow
from billing.invoices.monthly.left_out import LeftOut
from billing.invoices.monthly.services import bill_reseller, bill_sub_accounts, left_out_of_invoices
from billing.invoices.papers import paper_of
from billing.invoices.queries import ListedInvoice, document_of, invoice_numbered, invoices_in
from billing.invoices.sending.services import ask_to_send
from billing.invoices.services import credit_note, record_payment
from billing.money import Money
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef
from platform_core.errors import InvalidInput
from platform_core.ids import ResellerKey
from platform_web.commands.output import Command, Row, json_option, say, show_many, show_one, yes_option
from platform_web.commands.scope import platform_scope, reseller_scope
from tenants.resellers.queries import all_resellers, reseller_by_key


@click.group()
def invoice() -> None:
    """Invoices: the platform's to resellers, and with --reseller that reseller's to its sub-accounts."""


def books_option(command: Command) -> Command:
    """Adds --reseller, which arrives as `reseller_key`; "" for the platform's own books."""
    return click.option(
        "--reseller",
        "reseller_key",
        default="",
        metavar="KEY",
        help="In this reseller's books; otherwise the platform's.",
    )(command)


@contextmanager
def books(reseller_key: str) -> Iterator[Session]:
    """A session on the books chosen, committed when the block ends well. Raises NotFound."""
    if reseller_key:
        with reseller_scope(reseller_key) as scope:
            yield scope.session
    else:
        with platform_scope() as session:
            yield session


@invoice.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@books_option
@json_option
def list_invoices(limit: int, reseller_key: str, as_json: bool) -> None:
    """Invoices and credit notes, the newest first."""
    with books(reseller_key) as session:
        rows = [_row(one) for one in invoices_in(session, most=limit)]
    show_many(rows, as_json=as_json)


@invoice.command()
@click.argument("number")
@books_option
@json_option
def show(number: str, reseller_key: str, as_json: bool) -> None:
    """What invoice NUMBER says."""
    with books(reseller_key) as session:
        row = invoice_numbered(session, number)
        document = document_of(row)
    show_one(
        _short(row)
        | {
            "seller": document.seller.legal_name,
            "buyer": document.buyer.legal_name,
            "lines": [
                {
                    "position": line.position,
                    "kind": line.kind,
                    "detail": line.detail,
                    "quantity": line.quantity,
                    "unit_price": line.unit_price,
                    "per": line.per,
                    "net": line.net,
                }
                for line in document.lines
            ],
            "net": document.net,
            "vat_category": document.vat_category,
            "vat_basis_points": document.vat_basis_points,
            "tax": document.tax,
        },
        as_json=as_json,
    )


@invoice.command()
@click.argument("number")
@click.option(
    "--to", "target", type=click.Path(path_type=Path), help="The file; by default named after the invoice."
)
@books_option
@json_option
def pdf(number: str, target: Path | None, reseller_key: str, as_json: bool) -> None:
    """Write the PDF of invoice NUMBER to a file."""
    with books(reseller_key) as session:
        paper = paper_of(session, invoice_numbered(session, number).id)
    file = target or Path(paper.file_name)
    file.write_bytes(paper.content)
    say(str(file), {"file": str(file), "octets": len(paper.content)}, as_json=as_json)


@invoice.command()
@click.argument("number")
@click.option("--to", "send_to", default="", help="Another address than the buyer's.")
@books_option
@json_option
def send(number: str, send_to: str, reseller_key: str, as_json: bool) -> None:
    """E-mail invoice NUMBER, once more if it was before; it goes out within a minute."""
    with books(reseller_key) as session:
        row = invoice_numbered(session, number)
        address = ask_to_send(session, row.id, clock=SystemClock(), send_to=send_to)
    say(f"Invoice {number} will be sent to {address}.", _short(row) | {"send_to": address}, as_json=as_json)


@invoice.command()
@click.argument("number")
@click.argument("amount", type=int)
@click.option(
    "--reference", required=True, help="Which payment it was, e.g. the bank's number; it counts once."
)
@books_option
@json_option
def paid(number: str, amount: int, reference: str, reseller_key: str, as_json: bool) -> None:
    """Write down that AMOUNT (minor units; below zero: given back) came for invoice NUMBER."""
    with books(reseller_key) as session:
        row = invoice_numbered(session, number)
        money = Money(amount, row.currency)
        result = record_payment(session, row.id, money, reference=reference, clock=SystemClock())
    say(
        f"{result.open.text()} of invoice {number} are open.",
        _short(row) | {"open": result.open.amount, "written": result.written},
        as_json=as_json,
    )


@invoice.command()
@click.argument("number")
@click.option("--reason", required=True, help="What the buyer reads.")
@click.option(
    "--line",
    "lines",
    multiple=True,
    metavar="POSITION=NET",
    help="Only so much (net, minor units) of this line; may be repeated.",
)
@yes_option("The credit note can't be taken back. Go on?")
@books_option
@json_option
def credit(number: str, reason: str, lines: tuple[str, ...], reseller_key: str, as_json: bool) -> None:
    """Take invoice NUMBER back with a credit note: all that is left of it, or only the lines named."""
    with books(reseller_key) as session:
        row = invoice_numbered(session, number)
        amounts = dict(map(_amount, lines)) or None
        issued = credit_note(session, row.id, reason=reason, clock=SystemClock(), amounts=amounts)
    say(
        f"Credit note {issued.number} takes back {Money(issued.document.gross, row.currency).text()}.",
        {"number": issued.number, "gross": issued.document.gross, "currency": row.currency},
        as_json=as_json,
    )


@invoice.command()
@books_option
@json_option
def bill(reseller_key: str, as_json: bool) -> None:
    """Issue what is to be billed of the last month, of one reseller or of all; a month is billed once."""
    clock, issued = SystemClock(), []
    with platform_scope() as platform:
        chosen = (
            [reseller_by_key(platform, ResellerKey(reseller_key))]
            if reseller_key
            else all_resellers(platform)
        )
        for reseller in [one.ref for one in chosen]:
            issued += [*bill_reseller(reseller, clock=clock), *bill_sub_accounts(reseller, clock=clock)]
    show_many(
        [
            {
                "number": one.number,
                "seller": one.document.seller.legal_name,
                "buyer": one.document.buyer.legal_name,
                "gross": one.document.gross,
                "currency": one.document.currency,
                "new": one.fresh,
            }
            for one in issued
        ],
        as_json=as_json,
    )


@invoice.command()
@click.option("--reseller", "reseller_key", default="", metavar="KEY", help="Of this reseller alone.")
@json_option
def check(reseller_key: str, as_json: bool) -> None:
    """Find what was sold in a currency in which its seller makes no invoices; ends with 1 when there is anything."""
    with platform_scope() as platform:
        chosen = (
            [reseller_by_key(platform, ResellerKey(reseller_key))]
            if reseller_key
            else all_resellers(platform)
        )
        refs = [one.ref for one in chosen]
        found = [(ref, one) for ref in refs for one in left_out_of_invoices(ref, clock=SystemClock())]
    show_many([_left_out_row(ref, one) for ref, one in found], as_json=as_json)
    if found:
        raise click.exceptions.Exit(1)


def _left_out_row(reseller: ResellerRef, one: LeftOut) -> Row:
    return {
        "reseller": reseller.key,
        "account_id": one.account_id,
        "account": one.account,
        "sales": one.sales,
        "amount": one.amount.amount,
        "currency": one.amount.currency,
    }


def _amount(text: str) -> tuple[int, int]:
    position, _, net = text.partition("=")
    if not (position.isdecimal() and net.isdecimal()):
        raise InvalidInput("line", f"{text!r} is not a line's position and an amount, such as 1=2450.")
    return int(position), int(net)


def _short(row: InvoiceRow) -> Row:
    return {
        "number": row.number,
        "kind": row.kind,
        "buyer_id": row.buyer_id,
        "issue_date": row.issue_date,
        "due_date": row.due_date,
        "currency": row.currency,
        "gross": row.gross,
        "due": row.due,
    }


def _row(one: ListedInvoice) -> Row:
    return {
        "number": one.number,
        "kind": one.kind,
        "buyer_id": one.buyer_id,
        "issue_date": one.issue_date,
        "due_date": one.due_date,
        "currency": one.gross.currency,
        "gross": one.gross.amount,
        "open": one.open.amount,
        "credited": one.credited.amount,
        "sent_at": one.sent_at,
    }
