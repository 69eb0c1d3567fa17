"""SMTP accounts in the portal, and the settings that go with them."""

import ast
import re

import pytest
from sqlalchemy import select

from platform_core.database import tenant_session
from platform_core.security import SecretVerifier
from platform_core.settings import settings
from tenants.models import SmtpAccount
from tests.fixtures_web import Agency, Visitor
from whitelabel.portal.smtp_settings.snippets import Login, snippets_for

SECRET = re.compile(r">([a-z2-9]{32})</code>")


def stored(agency: Agency) -> list[SmtpAccount]:
    with tenant_session(agency.ref) as session:
        return [one for one in session.scalars(select(SmtpAccount)) if one.account_id == agency.customer.id]


def test_a_new_secret_is_shown_once_and_opens_the_relay(agency: Agency, customer: Visitor) -> None:
    page = customer.post("/smtp-accounts/new", {"name": "News <letter>"})
    assert page.status_code == 201
    assert "News &lt;letter&gt;" in page.text
    secret = SECRET.findall(page.text)[0]
    made = next(one for one in stored(agency) if one.name == "News <letter>")
    verifier = SecretVerifier(settings().secret_key.get_secret_value())
    assert verifier.matches(secret, made.verifier)
    assert secret not in customer.get("/smtp-accounts").text
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_name_that_can_not_be_is_refused_beside_the_field(
    agency: Agency, customer: Visitor, name: str
) -> None:
    answer = customer.post("/smtp-accounts/new", {"name": name})
    assert answer.status_code == 422
    assert "field-error" in answer.text
    assert len(stored(agency)) == 1


def test_suspended_and_resumed_with_one_click_each(agency: Agency, customer: Visitor) -> None:
    path = f"/smtp-accounts/{agency.customer.smtp_account}"
    customer.post(f"{path}/suspend")
    assert stored(agency)[0].state == "suspended"
    assert "Resume" in customer.get("/smtp-accounts").text
    customer.post(f"{path}/resume")
    assert stored(agency)[0].state == "active"


@pytest.mark.parametrize("verb", ["rotate", "delete"])
def test_what_breaks_an_application_is_asked_first(agency: Agency, customer: Visitor, verb: str) -> None:
    before = stored(agency)[0].verifier
    path = f"/smtp-accounts/{agency.customer.smtp_account}/{verb}"
    question = customer.get(path)
    assert question.status_code == 200
    assert "Web shop" in question.text
    assert stored(agency)[0].verifier == before


def test_a_new_secret_replaces_the_old_one(agency: Agency, customer: Visitor) -> None:
    before = stored(agency)[0].verifier
    page = customer.post(f"/smtp-accounts/{agency.customer.smtp_account}/rotate")
    assert SECRET.findall(page.text)
    assert stored(agency)[0].verifier != before


def test_a_deleted_account_is_gone(agency: Agency, customer: Visitor) -> None:
    answer = customer.post(f"/smtp-accounts/{agency.customer.smtp_account}/delete")
    assert answer.status_code == 302
    assert stored(agency) == []
    assert "No SMTP accounts yet" in customer.get("/smtp-accounts").text


def test_the_settings_name_the_resellers_own_host(agency: Agency, customer: Visitor) -> None:
    page = customer.get("/smtp-settings").text
    assert f"smtp.{agency.ref.key}.localhost" in page
    for port in (*settings().relay_starttls_ports, *settings().relay_tls_ports):
        assert f">{port}</code>" in page
    assert agency.customer.user_name in page


def test_every_piece_is_filled_in_and_none_holds_a_secret() -> None:
    login = Login("smtp.agency.com", 587, "abcdefgh", "hello@shop.example")
    pieces = snippets_for(login)
    assert len({piece.id for piece in pieces}) == len(pieces) == 9
    for piece in pieces:
        assert all(text in piece.text for text in ("smtp.agency.com", "587", "abcdefgh", "YOUR_SECRET")), (
            piece.name
        )


def test_the_python_piece_is_python() -> None:
    login = Login("smtp.agency.com", 587, "abcdefgh", "hello@shop.example")
    python = next(piece for piece in snippets_for(login) if piece.id == "python")
    ast.parse(python.text)
