"""The forms for one address and for a list of them."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length


class NewSuppressionForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    address = StringField(
        _l("E-mail address"),
        [
            DataRequired(_l("Please enter an address.")),
            Length(max=254, message=_l("An address has at most 254 characters.")),
        ],
    )


class ImportForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    file = FileField(_l("CSV file"), [FileRequired(_l("Please choose a file."))])
    skip_bad = BooleanField(_l("Leave out lines that can't be read"))
