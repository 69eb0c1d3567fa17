"""The form for a new domain."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import DataRequired, Length


class NewDomainForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(
        _l("Domain"),
        [
            DataRequired(_l("Please enter a domain.")),
            Length(max=253, message=_l("A domain is shorter than that.")),
        ],
    )
