"""What states, flaws and verdicts are called on the page."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from relay_worker.addresses.providers import Provider
from relay_worker.addresses.reputation import Flaw
from relay_worker.addresses.states import AddressState, PtrState, Standing
from relay_worker.addresses.warmup.judging import Verdict

STATES: dict[AddressState, tuple[LazyString, str]] = {
    AddressState.ACTIVE: (_l("Active"), "good"),
    AddressState.PAUSED: (_l("Paused"), "warn"),
    AddressState.RETIRED: (_l("Retired"), "idle"),
}

STANDINGS: dict[Standing, tuple[LazyString, str]] = {
    Standing.SOUND: (_l("Sound"), "good"),
    Standing.FLAWED: (_l("Used last"), "warn"),
    Standing.STOPPED: (_l("Not used"), "bad"),
}

PTR_STATES: dict[PtrState, tuple[LazyString, str]] = {
    PtrState.UNKNOWN: (_l("Not known yet"), "idle"),
    PtrState.CONFIRMED: (_l("Leads back"), "good"),
    PtrState.UNCONFIRMED: (_l("Leads elsewhere"), "bad"),
    PtrState.MISSING: (_l("Missing"), "bad"),
}

PROVIDERS: dict[Provider, LazyString | str] = {
    Provider.GOOGLE: "Google",
    Provider.MICROSOFT: "Microsoft",
    Provider.YAHOO: "Yahoo",
    Provider.APPLE: "Apple",
    Provider.OTHER: _l("Others"),
}

FLAWS: dict[Flaw, LazyString] = {
    Flaw.DELIVERY: _l("Less than 95 % is delivered"),
    Flaw.BLOCKS: _l("Servers block it"),
    Flaw.COMPLAINTS: _l("Recipients complain"),
    Flaw.LISTED: _l("It is on a block list"),
    Flaw.PTR_MISSING: _l("It has no reverse DNS"),
    Flaw.PTR_UNCONFIRMED: _l("Its reverse DNS leads elsewhere"),
    Flaw.HELO_UNCONFIRMED: _l("Its EHLO name leads elsewhere"),
}

VERDICTS: dict[Verdict, tuple[LazyString, str]] = {
    Verdict.ADVANCED: (_l("Went up"), "good"),
    Verdict.FINISHED: (_l("Warm"), "good"),
    Verdict.BLOCKED: (_l("Went down: blocked"), "bad"),
    Verdict.THROTTLED: (_l("Held: slowed down by servers"), "warn"),
    Verdict.BOUNCED: (_l("Held: 4 % bounced or more"), "warn"),
    Verdict.COMPLAINED: (_l("Held: complaints"), "warn"),
    Verdict.UNDELIVERED: (_l("Held: less than 90 % delivered"), "warn"),
    Verdict.UNUSED: (_l("Held: less than 90 % used"), "idle"),
}


def band(score: int) -> str:
    """The colour of a score; its bounds are those of the portal's delivery score."""
    if score >= 90:
        return "good"
    return "warn" if score >= 50 else "bad"
