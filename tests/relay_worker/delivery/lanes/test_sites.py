"""Sites: where mail really goes."""

from datetime import date

import pytest

from relay_worker.delivery.destination import Destination, MailServer
from relay_worker.delivery.lanes.limits import LaneLimits
from relay_worker.delivery.lanes.sites import Sites, lane_of, rule_of_settings
from relay_worker.traffic.rules import RuleBook, TrafficRule

LIMITS = LaneLimits(10, 100, 5)
GOOGLE = TrafficRule("google", ("google.com",), True, 5, None, 50, None, True, "their guidelines", date.min)
MICROSOFT = TrafficRule(
    "microsoft", ("outlook.com",), False, 5, None, 50, None, False, "their pages", date.min
)


@pytest.fixture
def sites() -> Sites:
    sites = Sites(LIMITS)
    sites.follow(RuleBook([rule_of_settings("default", LIMITS), GOOGLE, MICROSOFT]))
    return sites


def servers(*hosts: str, by_operator: bool = False) -> Destination:
    group = tuple(MailServer(host, "192.0.2.1", 25) for host in hosts)
    return Destination(" ".join(hosts), (group,), by_operator)


def test_all_servers_of_a_provider_are_one_site_where_its_rule_says_so(sites: Sites) -> None:
    one, other = sites.of(servers("aspmx.l.google.com")), sites.of(servers("smtp.google.com"))
    assert (one, one.name, one.rule) == (other, "google", GOOGLE)


def test_each_set_of_servers_is_a_site_where_the_rule_counts_them_apart(sites: Sites) -> None:
    one, other = sites.of(servers("a.mail.outlook.com")), sites.of(servers("b.mail.outlook.com"))
    assert one.rule is other.rule is MICROSOFT
    assert one.lane != other.lane


def test_a_name_that_merely_ends_like_a_providers_is_not_his(sites: Sites) -> None:
    assert sites.of(servers("mx.notgoogle.com")).rule.name == "default"


def test_the_operators_own_servers_bear_what_the_settings_say(sites: Sites) -> None:
    site = sites.of(servers("relay.ours.test", by_operator=True))
    assert (site.rule.name, site.rule.connections, site.bounded) == ("operator", 10, False)


def test_a_rule_that_names_a_server_holds_for_the_operators_routes_too(sites: Sites) -> None:
    assert sites.of(servers("relay.google.com", by_operator=True)).rule is GOOGLE


def test_a_changed_rule_holds_for_what_was_known_before(sites: Sites) -> None:
    sites.of(servers("smtp.google.com"))
    sites.follow(RuleBook([rule_of_settings("default", LIMITS)]))
    assert sites.of(servers("smtp.google.com")).rule.name == "default"


def test_domains_that_share_servers_are_learnt_once_there_are_two(sites: Sites) -> None:
    site = sites.of(servers("mx.host.test"))
    sites.note("one.test", site, 11)
    assert sites.take_news() == {}
    sites.note("two.test", site, 12)
    assert sites.take_news() == {"one.test": site.lane, "two.test": site.lane}
    sites.note("two.test", site, 12)
    assert sites.take_news() == {}


def test_a_domain_of_a_known_provider_is_learnt_at_once(sites: Sites) -> None:
    site = sites.of(servers("smtp.google.com"))
    sites.note("one.test", site, 11)
    sites.note("known.test", site, site.lane)
    assert sites.take_news() == {"one.test": site.lane}


def test_a_site_has_the_same_lane_in_every_process() -> None:
    assert lane_of("google") == -1673513621
