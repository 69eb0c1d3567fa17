"""The forms for a traffic rule and for a reaction."""

from dataclasses import asdict, replace
from datetime import date

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from relay_worker.traffic.rules import Reaction, TrafficRule

MINUTE = 60  # seconds
_DAY = 1440  # minutes


class RuleForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    mx_suffixes = StringField(
        _l("Mail servers"),
        [Optional(), Length(max=2000)],
        description=_l(
            "The ends of their names, separated by spaces, such as google.com. Empty for the default only."
        ),
    )
    one_lane = BooleanField(
        _l("One lane for all of them"),
        description=_l("Otherwise each set of mail servers has these limits to itself."),
    )
    connections = IntegerField(
        _l("Connections"),
        [InputRequired(_l("Please enter a number."))],
        description=_l("At once, of all workers together, from each of our addresses."),
    )
    connections_per_minute = IntegerField(
        _l("New connections a minute"), [Optional()], description=_l("Empty: no limit.")
    )
    messages_per_connection = IntegerField(
        _l("Messages on a connection"), [InputRequired(_l("Please enter a number."))]
    )
    messages_per_hour = IntegerField(_l("Messages an hour"), [Optional()], description=_l("Empty: no limit."))
    requires_tls = BooleanField(_l("TLS required"), description=_l("Mail waits rather than going in clear."))
    source = StringField(
        _l("Source of these values"), [DataRequired(_l("Say where the values come from.")), Length(max=300)]
    )

    @classmethod
    def of(cls, rule: TrafficRule) -> "RuleForm":
        """Filled in with the rule, or with what was posted."""
        return cls(data=asdict(rule) | {"mx_suffixes": " ".join(rule.mx_suffixes)})

    def rule(self, before: TrafficRule, today: date) -> TrafficRule:
        """`before` with what was entered."""
        return replace(
            before,
            mx_suffixes=tuple((self.mx_suffixes.data or "").replace(",", " ").split()),
            one_lane=self.one_lane.data,
            connections=self.connections.data,
            connections_per_minute=self.connections_per_minute.data,
            messages_per_connection=self.messages_per_connection.data,
            messages_per_hour=self.messages_per_hour.data,
            requires_tls=self.requires_tls.data,
            source=self.source.data,
            sourced_on=today,
        )


class NewRuleForm(RuleForm):
    name = StringField(
        _l("Name"),
        [DataRequired(_l("Please enter a name.")), Length(max=41)],
        description=_l("Lower-case letters, digits and hyphens."),
    )


class ReactionForm(FlaskForm):  # type: ignore[misc]
    says = StringField(
        _l("When a reply says"),
        [DataRequired(_l("Please enter some words of the reply.")), Length(max=200)],
        description=_l("Such as TSS04, or: temporarily deferred."),
    )
    pause_minutes = IntegerField(
        _l("Minutes without any message"),
        [Optional(), NumberRange(0, _DAY, _l("A pause lasts a day at most."))],
        description=_l("Then it goes on with one connection."),
    )
    messages_per_minute = IntegerField(_l("Then at most so many messages a minute"), [Optional()])
    hold_minutes = IntegerField(
        _l("For so many minutes"), [Optional(), NumberRange(0, _DAY, _l("A pause lasts a day at most."))]
    )

    def reaction(self) -> Reaction:
        return Reaction(
            self.says.data,
            MINUTE * (self.pause_minutes.data or 0),
            self.messages_per_minute.data,
            MINUTE * (self.hold_minutes.data or 0),
        )
