"""Health: what a load balancer asks, and what it learns."""

from pydantic import SecretStr

from platform_core.settings import settings
from tests.fixtures_web import Agency, Visitor, sites_with
from whitelabel.hosts import HostDispatcher

NOWHERE = SecretStr("redis://127.0.0.1:1/0")


def test_a_process_that_answers_is_alive(web: HostDispatcher) -> None:
    answer = Visitor(web, settings().platform_host).get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_with_both_servers_it_is_ready(web: HostDispatcher) -> None:
    answer = Visitor(web, settings().platform_host).get("/health/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "postgres": "ok", "redis": "ok"})


def test_without_redis_it_still_serves(web: HostDispatcher) -> None:
    with sites_with(redis_url=NOWHERE) as sites:
        answer = Visitor(sites, settings().platform_host).get("/health/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ok", "postgres": "ok", "redis": "down"})


def test_without_redis_people_still_log_in_and_see_their_pages(agency: Agency) -> None:
    with sites_with(redis_url=NOWHERE) as sites:
        visitor = Visitor(sites, agency.portal).log_in(agency.customer.owner)
        assert visitor.get("/").status_code == 200


def test_without_postgres_it_is_not_ready_but_alive(web: HostDispatcher) -> None:
    away = SecretStr("postgresql://a:b@127.0.0.1:1/c")
    with sites_with(database_web_url=away) as sites:
        visitor = Visitor(sites, settings().platform_host)
        assert visitor.get("/health/ready").status_code == 503
        assert visitor.get("/health/live").status_code == 200


def test_health_is_no_page_of_a_portal(web: HostDispatcher, agency: Agency) -> None:
    assert Visitor(web, agency.portal).get("/health/live").status_code != 200
