"""The form that makes a pause."""

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, IntegerField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from platform_core.errors import InvalidInput
from platform_core.ids import AccountId, ResellerId
from platform_core.mail.addresses import AddressSyntax, domain_to_ascii
from relay_worker.queue.selection import Selection

_LONGEST_HOURS = 8760  # a year


class PauseForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    reseller = StringField(
        _l("Reseller"), [Optional(), Length(max=41)], description=_l("Its key. Empty: of all resellers.")
    )
    account = IntegerField(
        _l("Account"), [Optional(), NumberRange(min=1)], description=_l("The number of one of its accounts.")
    )
    sender = StringField(
        _l("From the domain"),
        [Optional(), Length(max=253)],
        description=_l("What that account sends from this domain (header From)."),
    )
    rcpt_domain = StringField(
        _l("To the domain"), [Optional(), Length(max=253)], description=_l("Recipients at this domain.")
    )
    lane = IntegerField(
        _l("Lane"),
        [Optional(), NumberRange(-(2**31), 2**31 - 1)],
        description=_l("The number of a destination, as the queue page fills it in."),
    )
    reason = StringField(
        _l("Reason"),
        [DataRequired(_l("Say why, for whoever finds it paused.")), Length(max=300)],
        description=_l("For whoever finds it paused."),
    )
    hours = FloatField(
        _l("Hours"),
        [Optional(), NumberRange(0, _LONGEST_HOURS, _l("A year at most."))],
        description=_l("It ends by itself after so long. Empty: when somebody ends it."),
    )

    def selection(self, reseller_id: ResellerId | None) -> Selection:
        """What is meant. Raises InvalidInput."""
        return Selection(
            reseller_id=reseller_id,
            account_id=None if self.account.data is None else AccountId(self.account.data),
            sender_domain=_domain("sender", self.sender.data),
            rcpt_domain=_domain("rcpt_domain", self.rcpt_domain.data),
            lane=self.lane.data,
        )

    def until(self, now: datetime) -> datetime | None:
        return None if self.hours.data is None else now + timedelta(hours=self.hours.data)


def _domain(field: str, given: str | None) -> str | None:
    """As the queue has it. Raises InvalidInput."""
    given = (given or "").strip()
    try:
        return domain_to_ascii(given) if given else None
    except AddressSyntax as error:
        raise InvalidInput(field, f"{given!r} is no domain.") from error
