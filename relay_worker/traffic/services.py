"""Verbs on traffic rules and lanes. They work on a session of the platform's rows; the caller commits.

Workers follow within half a minute, and a lane that is released within seconds.
"""

from dataclasses import asdict, replace
from typing import cast

from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from platform_core.clock import Clock
from platform_core.errors import InvalidInput, NotFound
from relay_worker.traffic.checks import check_rule
from relay_worker.traffic.queries import traffic_rule, traffic_rules
from relay_worker.traffic.rules import DEFAULT, Reaction, TrafficRule
from tenants.resellers.services import record_audit

_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('relay.traffic_rule'))")
_SAVE = text("""
    INSERT INTO relay.traffic_rule VALUES
        (:name, :mx_suffixes, :one_lane, :connections, :connections_per_minute, :messages_per_connection,
         :messages_per_hour, :requires_tls, :source, :sourced_on)
    ON CONFLICT (name) DO UPDATE SET
        mx_suffixes = excluded.mx_suffixes, one_lane = excluded.one_lane, connections = excluded.connections,
        connections_per_minute = excluded.connections_per_minute,
        messages_per_connection = excluded.messages_per_connection, messages_per_hour = excluded.messages_per_hour,
        requires_tls = excluded.requires_tls, source = excluded.source, sourced_on = excluded.sourced_on
""")
_FORGET_REACTIONS = text("DELETE FROM relay.traffic_reaction WHERE rule = :rule")
_ADD_REACTION = text("""
    INSERT INTO relay.traffic_reaction VALUES
        (:rule, :says, :pause_seconds, :messages_per_minute, :hold_seconds)
""")
_REMOVE = text("DELETE FROM relay.traffic_rule WHERE name = :name")
_RELEASE = text("""
    UPDATE relay.lane_state
    SET connections = NULL, per_minute = NULL, per_minute_until = NULL, closed_until = NULL, step = 0, changed_at = :now
    WHERE site = :site AND (CAST(:source AS text) IS NULL OR source = :source)
""")


def save_rule(session: Session, rule: TrafficRule, *, actor: str) -> TrafficRule:
    """Make the rule, or put it in the place of the one of its name, reactions included. Raises InvalidInput."""
    rule = _tidy(rule)
    session.execute(_LOCK)  # two rules must not both get a suffix
    before = {known.name: known for known in traffic_rules(session)}
    check_rule(rule, before.values())
    values = asdict(rule) | {"mx_suffixes": list(rule.mx_suffixes)}
    del values["reactions"]
    session.execute(_SAVE, values)
    session.execute(_FORGET_REACTIONS, {"rule": rule.name})
    for reaction in rule.reactions:
        session.execute(_ADD_REACTION, {"rule": rule.name} | asdict(reaction))
    changes = _changes(before.get(rule.name), rule)
    if changes:
        verb = "change" if rule.name in before else "create"
        record_audit(session, actor, f"traffic.{verb}", None, rule=rule.name, **changes)
    return rule


def remove_rule(session: Session, name: str, *, actor: str) -> None:
    """The default holds for its servers from now on. Raises NotFound or InvalidInput."""
    traffic_rule(session, name)
    if name == DEFAULT:
        raise InvalidInput(
            "name", "The default can't be removed: it holds for all servers that no rule names."
        )
    session.execute(_REMOVE, {"name": name})
    record_audit(session, actor, "traffic.remove", None, rule=name)


def react(session: Session, name: str, reaction: Reaction, *, actor: str) -> TrafficRule:
    """Add a reaction to a rule, in place of the one to the same words. Raises NotFound or InvalidInput."""
    rule = traffic_rule(session, name)
    says = reaction.says.strip().lower()
    others = tuple(known for known in rule.reactions if known.says != says)
    return save_rule(session, replace(rule, reactions=(*others, reaction)), actor=actor)


def react_no_more(session: Session, name: str, says: str, *, actor: str) -> TrafficRule:
    """Raises NotFound."""
    rule = traffic_rule(session, name)
    left = tuple(known for known in rule.reactions if known.says != says.strip().lower())
    if len(left) == len(rule.reactions):
        raise NotFound(f"The rule {name} has no reaction to {says!r}.")
    return save_rule(session, replace(rule, reactions=left), actor=actor)


def release_lane(session: Session, site: str, *, actor: str, clock: Clock, source: str | None = None) -> None:
    """Hold the lane to `site` back no longer, from one of our addresses or from all. Raises NotFound.

    What the server says next counts as ever.
    """
    released = session.execute(_RELEASE, {"site": site, "source": source, "now": clock.now()})
    if not cast(CursorResult[tuple[()]], released).rowcount:
        raise NotFound(f"The lane to {site} is not held back.")
    record_audit(session, actor, "lane.release", None, site=site, source=source or "")


def _tidy(rule: TrafficRule) -> TrafficRule:
    """Names as they are compared: lower case, without dots at their ends."""
    suffixes = dict.fromkeys(suffix.strip().strip(".").lower() for suffix in rule.mx_suffixes)
    reactions = {
        reaction.says.strip().lower(): replace(reaction, says=reaction.says.strip().lower())
        for reaction in rule.reactions
    }
    return replace(
        rule,
        mx_suffixes=tuple(filter(None, suffixes)),
        reactions=tuple(reactions.values()),
        source=rule.source.strip(),
    )


def _changes(before: TrafficRule | None, after: TrafficRule) -> dict[str, str]:
    """What the audit log says: each value that is new, with the old one."""
    old = asdict(before) if before is not None else {}
    return {
        field: f"{_words(old[field])} -> {_words(value)}" if old else _words(value)
        for field, value in asdict(after).items()
        if field != "name" and old.get(field) != value
    }


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_words(part) for part in value) or "none"
    if isinstance(value, dict):
        return " ".join(f"{key}={part}" for key, part in value.items() if part)
    return "none" if value is None else str(value)
