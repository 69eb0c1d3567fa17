"""The form for a new reseller."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp


class NewResellerForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(_l("Name"), [DataRequired(_l("Please enter a name.")), Length(max=200)])
    key = StringField(
        _l("Key"),
        [
            DataRequired(_l("Please enter a key.")),
            Regexp(
                r"^[a-z][a-z0-9_]{0,40}\Z",
                message=_l(
                    "A key begins with a letter and has only lower-case letters, digits and underscores."
                ),
            ),
        ],
        description=_l(
            "Names the reseller's schema in the database, for good. Lower-case letters, digits, underscores."
        ),
    )
    owner_email = EmailField(
        _l("First owner's e-mail address"),
        [DataRequired(_l("Please enter an e-mail address.")), Length(max=254)],
        description=_l("A password is generated and shown to you once, on the next page."),
    )
    portal = StringField(
        _l("Portal host name"),
        [DataRequired(_l("Please enter a host name.")), Length(max=253)],
        description=_l("Where its people log in, such as mail.agency.com."),
    )
    smtp = StringField(
        _l("SMTP host name"),
        [DataRequired(_l("Please enter a host name.")), Length(max=253)],
        description=_l("What its customers enter into their applications, such as smtp.agency.com."),
    )
    return_path = StringField(
        _l("Return-path host name"),
        [Optional(), Length(max=253)],
        description=_l("Where bounces come back, such as bounces.agency.com. May be added later."),
    )
