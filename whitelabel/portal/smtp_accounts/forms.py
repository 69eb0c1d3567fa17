"""The form for a new SMTP account."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length


class NewSmtpAccountForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(
        _l("Name"),
        [
            DataRequired(_l("Please enter a name.")),
            Length(max=100, message=_l("A name has at most 100 characters.")),
        ],
    )
