"""All billing pages under one menu entry, with a tab for each."""

from dataclasses import dataclass

from flask import Blueprint, Flask, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from platform_core.errors import NotFound
from whitelabel.portal.billing.allocation.views import pages as allocation
from whitelabel.portal.billing.amounts import add_money
from whitelabel.portal.billing.balance.views import pages as balance
from whitelabel.portal.billing.buy.views import pages as buy
from whitelabel.portal.billing.cards.views import pages as cards
from whitelabel.portal.billing.counter import card_counter
from whitelabel.portal.billing.invoices.views import pages as invoices
from whitelabel.portal.billing.ledger.views import pages as ledger
from whitelabel.portal.billing.margins.views import pages as margins
from whitelabel.portal.billing.plan.views import pages as plan
from whitelabel.portal.billing.prices.views import pages as prices
from whitelabel.portal.billing.wallet.views import pages as wallet
from whitelabel.portal.billing.words import add_billing_words
from whitelabel.portal.door import account

pages = Blueprint("billing", __name__, url_prefix="/billing")

for _children in (balance, plan, buy, wallet, cards, invoices, ledger, allocation, prices, margins):
    pages.register_blueprint(_children)

_FOR_RESELLERS = frozenset({"billing.allocation", "billing.prices", "billing.margins"})


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the billing pages."""

    endpoint: str
    label: LazyString

    @property
    def blueprint(self) -> str:
        return self.endpoint.rpartition(".")[0]

    @property
    def current(self) -> bool:
        return request.blueprint == self.blueprint


TABS = (
    Tab("billing.balance.show", _l("Balance")),
    Tab("billing.plan.show", _l("Plan")),
    Tab("billing.buy.show", _l("Buy")),
    Tab("billing.wallet.show", _l("Wallet")),
    Tab("billing.cards.show", _l("Cards")),
    Tab("billing.invoices.every", _l("Invoices")),
    Tab("billing.ledger.every", _l("Ledger")),
    Tab("billing.allocation.show", _l("Allocation")),
    Tab("billing.prices.show", _l("Prices")),
    Tab("billing.margins.show", _l("Margins")),
)


def add_billing(app: Flask) -> None:
    """Give `app` the billing pages, and their templates what they need."""
    app.register_blueprint(pages)
    add_money(app)
    add_billing_words(app)


@pages.before_request
def only_for_resellers() -> None:
    """To a customer there is no allocation: not a refusal, which would tell of it, but nothing."""
    if request.blueprint in _FOR_RESELLERS and not account().is_main:
        raise NotFound("Only a reseller's main account hands out credits.")


@pages.context_processor
def around() -> dict[str, object]:
    return {"tabs": [tab for tab in TABS if _shown(tab)]}


def _shown(tab: Tab) -> bool:
    if tab.blueprint == "billing.cards":
        return card_counter() is not None
    return account().is_main or tab.blueprint not in _FOR_RESELLERS
