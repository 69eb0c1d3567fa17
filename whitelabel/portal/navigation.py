"""What every page of the portal shows around its content: menu, brand, quota bar."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, g, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from billing.ledger.queries import Usage, usage_of
from tenants.resellers.queries import brand
from whitelabel.portal.door import account, clock, rows
from whitelabel.site.looks import Brandmark


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of the menu; `main_only`: for the reseller's own people alone."""

    endpoint: str
    icon: str
    label: LazyString
    main_only: bool = False

    @property
    def current(self) -> bool:
        """True on this page and on those below it."""
        return (request.endpoint or "").split(".")[0] == self.endpoint.split(".")[0]


MENU = (
    MenuEntry("dashboard.today", "layout-dashboard", _l("Dashboard")),
    MenuEntry("emails.every", "mail", _l("E-mails")),
    MenuEntry("held.every", "inbox", _l("Held mail")),
    MenuEntry("suppressions.every", "ban", _l("Suppressions")),
    MenuEntry("domains.every", "world", _l("Domains")),
    MenuEntry("smtp_accounts.every", "key", _l("SMTP accounts")),
    MenuEntry("smtp_settings.show", "server-2", _l("SMTP settings")),
    MenuEntry("sending.show", "send", _l("Sending")),
    MenuEntry("billing.balance.show", "coins", _l("Billing")),
    MenuEntry("sub_accounts.every", "users", _l("Sub-accounts"), main_only=True),
)


@dataclass(frozen=True, slots=True)
class QuotaBar:
    """How much of the monthly cap is used. Blue up to 80 %, orange above, red at 100 %, where sending stops."""

    used: int
    cap: int

    @property
    def css(self) -> str:
        if self.used >= self.cap:
            return "full"
        return "near" if self.used > 0.8 * self.cap else ""


def surround(app: Flask) -> None:
    """Give every template of the portal its menu, account and quota bar."""

    @app.context_processor
    def around() -> dict[str, object]:
        if not current_user.is_authenticated:
            return {}
        mine = account()
        return {
            "menu": [entry for entry in MENU if mine.is_main or not entry.main_only],
            "account": mine,
            "quota": quota_bar(usage()),
        }


def portal_brand() -> Brandmark:
    """The reseller's brand, read once a request."""
    if "brandmark" not in g:
        row = brand(rows())
        g.brandmark = Brandmark(
            row.company_name, row.primary_colour, row.theme, row.site_url, row.support_email
        )
    return cast(Brandmark, g.brandmark)


def usage() -> Usage:
    """What the visitor's account used this month and has left, read once a request."""
    if "usage" not in g:
        g.usage = usage_of(rows(), account(), clock=clock())
    return cast(Usage, g.usage)


def quota_bar(used: Usage) -> QuotaBar | None:
    """None without a cap: there is nothing to fill."""
    return None if used.monthly_cap is None else QuotaBar(used.used, used.monthly_cap)
