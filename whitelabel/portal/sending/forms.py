"""The forms of the sending page."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length


class ChoicesForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """The fields are named as those of `MailChoices`."""

    list_unsubscribe = BooleanField(
        _l("Unsubscribe with one click"),
        description=_l(
            "E-mails without a List-Unsubscribe header of their own get one. Gmail, Yahoo and Apple ask for it on "
            "newsletters, and show a button. Whoever uses it gets no more e-mail from this account."
        ),
    )
    require_tls = BooleanField(
        _l("Encrypted connections only"),
        description=_l(
            "No e-mail goes over a connection without TLS. Where the receiving server offers none, the e-mail waits "
            "and comes back in the end."
        ),
    )
    keep_bodies = BooleanField(
        _l("Keep the content of delivered e-mails"),
        description=_l(
            "Otherwise it is deleted as soon as the last recipient has it; status and history stay."
        ),
    )


class SigningDomainForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    name = StringField(
        _l("Domain"),
        [
            DataRequired(_l("Please enter a domain.")),
            Length(max=253, message=_l("A domain is shorter than that.")),
        ],
    )
