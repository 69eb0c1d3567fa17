"""Records and what was found of them, in words and colour."""

from dataclasses import dataclass

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from tenants.domains.findings import CheckResult, CheckState
from tenants.domains.records import Need, Purpose
from tenants.models import Domain, DomainState


@dataclass(frozen=True, slots=True)
class RecordWords:
    """What a record is called and what it is good for."""

    title: LazyString
    reason: LazyString


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as a page shows it: a word and the colour of its dot."""

    label: LazyString
    colour: str


RECORDS = {
    Purpose.DKIM: RecordWords(_l("DKIM"), _l("Proves that the domain is yours and signs every e-mail.")),
    Purpose.DKIM_NEXT: RecordWords(
        _l("New DKIM key"), _l("Takes over from the old key as soon as it is found.")
    ),
    Purpose.RETURN_PATH: RecordWords(
        _l("Return path"), _l("Lets bounces come back to us and makes SPF pass for your domain.")
    ),
    Purpose.SPF: RecordWords(_l("SPF"), _l("Only needed if you can't add the return path.")),
    Purpose.DMARC: RecordWords(
        _l("DMARC"), _l("Tells receivers what to do with e-mail that only claims to be yours.")
    ),
}

_NEEDS = {
    Need.REQUIRED: _l("required"),
    Need.RECOMMENDED: _l("recommended"),
    Need.OPTIONAL: _l("optional"),
}

_NOT_CHECKED = Mark(_l("Not checked yet"), "idle")
_CHECKS = {
    CheckState.OK: Mark(_l("Found"), "good"),
    CheckState.MISSING: Mark(_l("Not found"), "warn"),
    CheckState.WRONG: Mark(_l("Needs a change"), "bad"),
    CheckState.UNSURE: Mark(_l("No answer"), "idle"),
}


def mark_of_check(result: CheckResult | None, need: Need) -> Mark:
    """What is missing but only optional is no warning."""
    if result is None:
        return _NOT_CHECKED
    if result.state is CheckState.MISSING and need is Need.OPTIONAL:
        return Mark(_CHECKS[CheckState.MISSING].label, "idle")
    return _CHECKS[result.state]


def mark_of_domain(domain: Domain) -> Mark:
    """May mail be sent from it? A verified domain whose record is gone still may, for a while."""
    if domain.state != DomainState.VERIFIED:
        return Mark(_l("Not verified"), "warn")
    if domain.failing_since is not None:
        return Mark(_l("Verified, but failing"), "bad")
    return Mark(_l("Verified"), "good")


def add_domain_words(app: Flask) -> None:
    """Let the templates of `app` ask for these words."""
    app.jinja_env.globals.update(
        mark_of_check=mark_of_check, mark_of_domain=mark_of_domain, record_words=RECORDS, need_words=_NEEDS
    )
