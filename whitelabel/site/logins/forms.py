"""The forms of the log-in pages."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from tenants.users.services import SHORTEST_PASSWORD


class LoginForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    email = EmailField(
        _l("E-mail address"), [InputRequired(_l("Please enter your e-mail address.")), Length(max=254)]
    )
    password = PasswordField(
        _l("Password"), [InputRequired(_l("Please enter your password.")), Length(max=256)]
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    shortest = SHORTEST_PASSWORD
    current = PasswordField(
        _l("Current password"), [InputRequired(_l("Please enter your current password."))]
    )
    new = PasswordField(
        _l("New password"),
        [
            InputRequired(_l("Please enter a new password.")),
            Length(
                min=SHORTEST_PASSWORD,
                max=256,
                message=_l("A password needs at least %(count)s characters.", count=SHORTEST_PASSWORD),
            ),
        ],
    )
    again = PasswordField(_l("New password again"), [EqualTo("new", _l("The two new passwords differ."))])
