"""The form for a plan, new or changed."""

from decimal import Decimal

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DecimalField, IntegerField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from billing.money import Money, minor_digits
from billing.plans.catalogue import MOST_TRIAL_DAYS, Limits, NewPlan, Overage, Plan
from platform_core.errors import InvalidInput

_LIMITS = ("smtp_accounts", "domains", "api_keys", "dedicated_ips")
_NOT_LESS = NumberRange(min=0, message=_l("This can't be negative."))


class PlanForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(_l("Name"), [DataRequired(_l("Please enter a name.")), Length(max=100)])
    price = DecimalField(
        _l("Price a month"),
        [InputRequired(_l("Please enter a price.")), _NOT_LESS],
        places=None,
        description=_l("Charged to the reseller's wallet at the beginning of each period. 0: free."),
    )
    currency = StringField(
        _l("Currency"),
        [DataRequired(_l("Please enter a currency.")), Length(min=3, max=3)],
        description=_l("Such as EUR or USD. It stays."),
    )
    included = IntegerField(
        _l("Included e-mails"),
        [InputRequired(_l("Please enter a number.")), _NOT_LESS],
        description=_l("Recipients in a period."),
    )
    trial_days = IntegerField(
        _l("Days of trial"),
        [InputRequired(_l("Please enter a number.")), NumberRange(min=0, max=MOST_TRIAL_DAYS)],
        default=0,
        description=_l("0: it can't be tried."),
    )
    overage_price = DecimalField(
        _l("Price for 1,000 e-mails above these"),
        [Optional(), _NOT_LESS],
        places=None,
        description=_l(
            "Billed with the month's invoice. Empty: mail stops where what is included and credits end."
        ),
    )
    overage_limit = IntegerField(
        _l("Most e-mails above these in a period"),
        [Optional(), NumberRange(min=1, message=_l("At least 1, or nothing."))],
        description=_l("Empty: as many as come."),
    )
    smtp_accounts = IntegerField(
        _l("SMTP accounts"), [Optional(), _NOT_LESS], description=_l("At most so many. Empty: no limit.")
    )
    domains = IntegerField(_l("Domains"), [Optional(), _NOT_LESS])
    api_keys = IntegerField(_l("API keys"), [Optional(), _NOT_LESS])
    dedicated_ips = IntegerField(_l("Dedicated IPs"), [Optional(), _NOT_LESS])

    def wanted(self) -> NewPlan:
        """What was entered. Raises InvalidInput."""
        currency = self.currency.data.strip().upper()
        limits = Limits(**{name: self[name].data for name in _LIMITS})
        return NewPlan(
            self.name.data,
            Money(_minor("price", self.price.data, currency), currency),
            self.included.data,
            self.trial_days.data,
            limits,
            self._overage(currency),
        )

    def _overage(self, currency: str) -> Overage | None:
        if self.overage_price.data is None:
            if self.overage_limit.data is not None:
                raise InvalidInput("overage_price", "A limit needs a price for what is above the plan.")
            return None
        price = _minor("overage_price", self.overage_price.data, currency)
        return Overage(price, self.overage_limit.data)


def _minor(field: str, amount: Decimal, currency: str) -> int:
    minor = amount.scaleb(minor_digits(currency))
    if minor != minor.to_integral_value():
        raise InvalidInput(field, f"{currency} has no smaller coin than that.")
    return int(minor)


def values_of(plan: Plan) -> dict[str, str | int | Decimal | None]:
    """What a form shows for a plan that is there."""
    limits, overage = {name: getattr(plan.limits, name) for name in _LIMITS}, plan.overage
    return {
        "name": plan.name,
        "price": plan.price.decimal(),
        "currency": plan.price.currency,
        "included": plan.included,
        "trial_days": plan.trial_days,
        "overage_price": Money(overage.per_thousand, plan.price.currency).decimal() if overage else None,
        "overage_limit": overage.limit if overage else None,
        **limits,
    }
