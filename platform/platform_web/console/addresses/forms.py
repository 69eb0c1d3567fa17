"""The forms for a new pool and a new address."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from relay_worker.addresses.warmup.ladder import LADDER

NONE = ""


class NewPoolForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(
        _l("Name"),
        [DataRequired(_l("Please enter a name.")), Length(max=41)],
        description=_l("Lower-case letters, digits and hyphens."),
    )
    reseller = StringField(
        _l("Dedicated to the reseller"),
        [Optional(), Length(max=41)],
        description=_l("Its key. Empty: the pool is shared."),
    )
    fallback = SelectField(
        _l("Fallback"), description=_l("The pool that takes what no address of this one may send now.")
    )
    is_default = BooleanField(
        _l("Default pool"),
        description=_l("For everybody who is assigned to none; in place of the present one."),
    )


class NewAddressForm(FlaskForm):  # type: ignore[misc]
    address = StringField(
        _l("IP address"),
        [DataRequired(_l("Please enter an address.")), Length(max=45)],
        description=_l("Used by the workers of every machine that it is set up on; best on all of them."),
    )
    pool = SelectField(_l("Pool"), [DataRequired(_l("Please make a pool first."))])
    helo = StringField(
        _l("EHLO name"),
        [DataRequired(_l("Please enter a host name.")), Length(max=253)],
        description=_l(
            "What it calls itself. Its reverse DNS should say the same, and the name lead back to it."
        ),
    )
    warm_up = BooleanField(
        _l("Warm up"),
        default=True,
        description=_l("Begins with 200 recipients a day for each provider, and goes up when all is well."),
    )
    peak_per_day = IntegerField(
        _l("Peak a day"),
        [Optional(), NumberRange(min=LADDER[0], message=_l("At least 200, where warm-up begins."))],
        description=_l(
            "Recipients a day and provider at which warm-up may end. Empty: the end of the ladder."
        ),
    )
