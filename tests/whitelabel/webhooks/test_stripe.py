"""The payment service's events over HTTP: in by signature alone, kept, and answered."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import Client, TestResponse

from billing.payments.models import StripeEvent
from platform_core.database import db
from platform_core.settings import settings
from platform_dev.payments.samples import Object, new_object
from platform_dev.payments.webhooks import Signed, sign
from tests.fixtures_web import Agency, Visitor
from whitelabel.hosts import HostDispatcher
from whitelabel.webhooks.views import PATH


def post(sites: HostDispatcher, signed: Signed, host: str = "") -> TestResponse:
    return Client(sites).post(
        PATH,
        base_url=f"http://{host or settings().platform_host}",
        data=signed.body,
        headers={"Stripe-Signature": signed.signature, "Content-Type": "application/json"},
    )


def kept(event: Object) -> StripeEvent | None:
    with Session(db.engine) as session:
        return session.get(StripeEvent, event["id"])


@pytest.mark.parametrize("secret", ["whsec_platform", "whsec_connect"])
def test_a_signed_event_is_kept_as_it_came(app: Flask, paid_web: HostDispatcher, secret: str) -> None:
    event = new_object("event", {})
    signed = sign(event, secret)
    for _ in range(2):
        assert post(paid_web, signed).status_code == 200
    row = kept(event)
    assert row is not None
    assert row.payload == signed.body.decode()
    assert row.attempts == 1


def test_an_event_that_bears_another_signature_is_not_kept(app: Flask, paid_web: HostDispatcher) -> None:
    event = new_object("event", {})
    assert post(paid_web, sign(event, "whsec_other")).status_code == 400
    assert kept(event) is None


def test_an_event_that_can_not_be_applied_is_kept_all_the_same(app: Flask, paid_web: HostDispatcher) -> None:
    event = new_object("event", {"type": "charge.refunded", "data": {"object": {}}})
    assert post(paid_web, sign(event, "whsec_platform")).status_code == 200
    row = kept(event)
    assert row is not None and row.state == "failed"


def test_where_payments_are_not_set_up_there_is_nothing(web: HostDispatcher) -> None:
    assert post(web, sign(new_object("event", {}), "whsec_platform")).status_code == 404


def test_a_portal_takes_no_events(paid_web: HostDispatcher, agency: Agency) -> None:
    signed = sign(new_object("event", {}), "whsec_platform")
    assert post(paid_web, signed, host=agency.portal).status_code != 200


def test_nobody_reads_anything_there(paid_web: HostDispatcher) -> None:
    assert Visitor(paid_web, settings().platform_host).get(PATH).status_code == 405
