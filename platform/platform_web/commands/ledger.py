"""`frankpost ledger`: the proof that every credit is accounted for, and the upkeep of the books."""

import click
from sqlalchemy.orm import Session

from billing.ledger.checks import Fault, LedgerReport, check_ledger
from billing.ledger.jobs import keep_ledger
from platform_core.clock import SystemClock
from platform_core.database import ResellerRef, tenant_session
from platform_core.ids import ResellerKey
from platform_web.commands.output import Row, json_option, say, show_many
from platform_web.commands.scope import platform_scope
from tenants.resellers.queries import all_resellers, reseller_by_key

_one_reseller = click.option(
    "--reseller", "reseller_key", metavar="KEY", help="Only this one, by its key; otherwise every reseller."
)


@click.group()
def ledger() -> None:
    """The books of all credits."""


@ledger.command()
@_one_reseller
@json_option
def check(reseller_key: str | None, as_json: bool) -> None:
    """Prove that lots, entries and transfers agree; exit code 1, with every fault, where they don't.

    Each reseller's books are read as they stand at one instant, while mail goes on being accepted.
    """
    with platform_scope() as platform:
        reports = [(reseller, _checked(reseller)) for reseller in _meant(platform, reseller_key)]
    if as_json:
        show_many([_row(reseller, report) for reseller, report in reports], as_json=True)
    else:
        for reseller, report in reports:
            _tell(reseller, report)
    if not all(report.sound for _, report in reports):
        raise click.exceptions.Exit(1)


@ledger.command()
@_one_reseller
@json_option
def keep(reseller_key: str | None, as_json: bool) -> None:
    """Do the hourly job now: give back what was never tried, and write down what has lapsed."""
    with platform_scope() as platform:
        resellers = _meant(platform, reseller_key)
        for reseller in resellers:
            keep_ledger(reseller, SystemClock())
    say("The books are up to date.", {"resellers": len(resellers)}, as_json=as_json)


def _meant(platform: Session, key: str | None) -> list[ResellerRef]:
    found = [reseller_by_key(platform, ResellerKey(key))] if key else all_resellers(platform)
    refs = [reseller.ref for reseller in found]
    platform.commit()  # so that no transaction of the platform's stays open over all of them
    return refs


def _checked(reseller: ResellerRef) -> LedgerReport:
    with tenant_session(reseller) as session:
        return check_ledger(session)


def _tell(reseller: ResellerRef, report: LedgerReport) -> None:
    verdict = "sound" if report.sound else f"{len(report.faults)} faults"
    click.echo(
        f"{reseller.key}: {verdict}; {report.balance} credits in {report.lots} lots of {report.accounts} accounts,"
        f" {report.entries} entries"
    )
    for fault in report.faults:
        click.echo(f"  not so: {fault.check}; {_where(fault)}")


def _where(fault: Fault) -> str:
    where = f"account {fault.account_id}" if fault.account_id is not None else "the tables"
    if fault.lot_id is not None:
        where += f", lot {fault.lot_id}"
    return f"{where}, expected {fault.expected}, found {fault.found}"


def _row(reseller: ResellerRef, report: LedgerReport) -> Row:
    return {
        "reseller": reseller.key,
        "sound": report.sound,
        "accounts": report.accounts,
        "lots": report.lots,
        "entries": report.entries,
        "balance": report.balance,
        "lapsed": report.lapsed,
        "faults": [
            {
                "check": fault.check.name.lower(),
                "account_id": fault.account_id,
                "lot_id": fault.lot_id,
                "expected": fault.expected,
                "found": fault.found,
            }
            for fault in report.faults
        ],
    }
