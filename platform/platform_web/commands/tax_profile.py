"""`frankpost tax-profile`: who sellers and buyers are before the tax office, and how sellers bill."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from billing.invoices.parties import LANGUAGES, Party, Terms
from billing.invoices.profiles.queries import profile_of, sellers_profile, terms_in
from billing.invoices.profiles.services import set_platforms_profile, set_profile, set_terms
from platform_core.errors import InvalidInput, TaxProfileMissing
from platform_web.commands.invoice import books_option
from platform_web.commands.output import Command, Row, json_option, show_one
from platform_web.commands.scope import account_option, platform_scope, reseller_scope


@click.group("tax-profile")
def tax_profile() -> None:
    """Tax profiles: the platform's own, or with --reseller that of one of its accounts (its own is `main`)."""


def party_options(command: Command) -> Command:
    """What a profile is made of; what isn't given stays as it was."""
    for option in (
        click.option("--language", type=click.Choice(LANGUAGES), help="Of the papers."),
        click.option("--email", help="Where invoices go, and where a seller's come from."),
        click.option("--registration", help="Number in the commercial register."),
        click.option("--tax-number", help="The national tax number."),
        click.option("--vat-id", help="VAT identification number, with its prefix."),
        click.option("--country", metavar="CC", help="Two letters (ISO 3166-1)."),
        click.option("--city"),
        click.option("--postal-code"),
        click.option("--street"),
        click.option("--legal-name"),
    ):
        command = option(command)
    return command


def terms_options(command: Command) -> Command:
    """What terms are made of; what isn't given stays as it was."""
    for option in (
        click.option(
            "--logo",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="PNG or JPEG, up to 256 KB.",
        ),
        click.option(
            "--one-stop-shop/--no-one-stop-shop",
            default=None,
            help="Whether consumers in other member states of the EU pay the rate at home.",
        ),
        click.option("--bank-name"),
        click.option("--bic"),
        click.option("--iban"),
        click.option("--account-holder"),
        click.option("--payment-days", type=click.IntRange(0, 365), help="Until an invoice is due."),
        click.option("--credit-format", help="As --number-format, for credit notes."),
        click.option(
            "--number-format", help="With {number} or {number:05}, and {year} to begin anew each year."
        ),
        click.option("--currency", metavar="CCC", help="Of all invoices (ISO 4217)."),
    ):
        command = option(command)
    return command


@tax_profile.command()
@books_option
@account_option
@json_option
def show(reseller_key: str, account_name: str, as_json: bool) -> None:
    """The profile, and for a seller the terms."""
    if reseller_key:
        with reseller_scope(reseller_key) as scope:
            account = scope.account(account_name)
            row = _row(
                profile_of(scope.session, account.id), terms_in(scope.session) if account.is_main else None
            )
    else:
        with platform_scope() as session:
            row = _row(sellers_profile(session), terms_in(session))
    show_one(row, as_json=as_json)


@tax_profile.command("set")
@party_options
@books_option
@account_option
@json_option
def set_party(reseller_key: str, account_name: str, as_json: bool, **given: Any) -> None:
    """Set the profile; the first time it needs at least --legal-name and --country."""
    if reseller_key:
        with reseller_scope(reseller_key) as scope:
            account = scope.account(account_name)
            party = _changed(profile_of(scope.session, account.id), given)
            row = _row(set_profile(scope.session, account, party), None)
    else:
        with platform_scope() as session:
            row = _row(set_platforms_profile(session, _changed(sellers_profile(session), given)), None)
    show_one(row, as_json=as_json)


@tax_profile.command("terms")
@terms_options
@books_option
@json_option
def set_sellers_terms(reseller_key: str, as_json: bool, **given: Any) -> None:
    """Set how the seller bills; the first time it needs --currency."""
    if reseller_key:
        with reseller_scope(reseller_key) as scope:
            terms = _store_terms(scope.session, given)
    else:
        with platform_scope() as session:
            terms = _store_terms(session, given)
    show_one(_terms_row(terms), as_json=as_json)


def _store_terms(session: Session, given: dict[str, Any]) -> Terms:
    changes = {name: value for name, value in given.items() if value is not None}
    if isinstance(changes.get("logo"), Path):
        changes["logo"] = changes["logo"].read_bytes()
    terms = terms_in(session)
    if terms is None and "currency" not in changes:
        raise InvalidInput("currency", "The terms need a currency: --currency EUR.")
    return set_terms(session, replace(terms, **changes) if terms else Terms(**changes))


def _changed(party: Party | None, given: dict[str, Any]) -> Party:
    changes = {name: value for name, value in given.items() if value is not None}
    if party is None and not {"legal_name", "country"} <= changes.keys():
        raise InvalidInput("legal_name", "A new profile needs --legal-name and --country.")
    return replace(party, **changes) if party else Party(**changes)


def _row(party: Party | None, terms: Terms | None) -> Row:
    if party is None:
        raise TaxProfileMissing("There is no tax profile yet; make one with `frankpost tax-profile set`.")
    shown: Row = {field.name: getattr(party, field.name) or None for field in fields(party)}
    return shown | (_terms_row(terms) if terms else {})


def _terms_row(terms: Terms) -> Row:
    shown: Row = {
        field.name: getattr(terms, field.name) or None for field in fields(terms) if field.name != "logo"
    }
    return shown | {"one_stop_shop": terms.one_stop_shop, "logo": terms.logo is not None}
