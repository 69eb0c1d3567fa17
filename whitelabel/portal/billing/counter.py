"""Where the visitor can pay by card, and leaving for the payment service's pages."""

from dataclasses import dataclass
from typing import cast

from flask import current_app, render_template, url_for

from billing.invoices.parties import Terms
from billing.invoices.profiles.queries import terms_in
from billing.payments.checkout import start_checkout
from billing.payments.purchases import BackTo, Purchase
from billing.payments.till import Till, seller_to
from platform_core.errors import NotForSale, PaymentsOff
from platform_core.settings import Settings
from whitelabel.links import external_url
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.requests import current_host


@dataclass(frozen=True, slots=True)
class Counter:
    """A till for the visitor's account; `currency` is its seller's."""

    till: Till
    currency: str


def card_counter() -> Counter | None:
    """None where no card can be taken: without a key of the payment service, or while the reseller can't be paid."""
    try:
        till = Till.from_settings(_settings(), clock())
        return Counter(till, seller_to(rows(), account(), till.currency).currency)
    except (PaymentsOff, NotForSale):
        return None


def the_counter() -> Counter:
    """For pages that are shown with a counter only. Raises NotForSale."""
    found = card_counter()
    if found is None:
        raise NotForSale("Paying by card is not available here; please ask your provider.")
    return found


def bank_of_seller() -> Terms | None:
    """How a customer can pay otherwise: the reseller's bank account. A reseller finds the platform's on its invoices."""
    terms = None if account().is_main else terms_in(rows())
    return terms if terms and terms.iban else None


def go_and_pay(purchase: Purchase, *, save_card: bool = False) -> str:
    """The page that leads to the checkout. Raises what `start_checkout` does."""
    url = start_checkout(
        rows(), account(), purchase, till=the_counter().till, back_to=back_to(), save_card=save_card
    )
    rows().commit()
    return leave_for(url)


def back_to() -> BackTo:
    """Where people come back to from the payment service."""
    return BackTo(here("billing.wallet.show", paid=1), here("billing.wallet.show"))


def here(endpoint: str, **values: object) -> str:
    """A page of this portal as others reach it."""
    return external_url(_settings(), current_host().name, url_for(endpoint, **values))  # type: ignore[arg-type]


def leave_for(url: str) -> str:
    """A page that goes on to `url` by itself.

    Not a redirect: after a form, browsers hold redirects against the policy's form-action, which allows this site alone.
    """
    return render_template("billing/leave.html", url=url)


def _settings() -> Settings:
    return cast(Settings, current_app.extensions["settings"])
