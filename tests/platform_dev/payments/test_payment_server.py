"""The payment server answers Stripe's own library as Stripe does: keys, accounts, pages, signed events."""

import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
import stripe
from stripe import StripeClient

from platform_dev.payments.forms import nested
from platform_dev.payments.server import PaymentServer
from platform_dev.payments.webhooks import Endpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaymentServer]:
    with PaymentServer(tmp_path_factory.mktemp("payments")) as running:
        yield running


def client_of(server: PaymentServer) -> StripeClient:
    return StripeClient("sk_test_1", base_addresses={"api": server.address}, max_network_retries=0)


@pytest.fixture
def client(server: PaymentServer) -> StripeClient:
    return client_of(server)


def checkout(client: StripeClient, customer: str, **options: str) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": customer,
            "line_items": [
                {
                    "quantity": 2,
                    "price_data": {
                        "currency": "eur",
                        "unit_amount": 500,
                        "product_data": {"name": "Things"},
                    },
                }
            ],
            "success_url": "http://shop.example/paid",
            "cancel_url": "http://shop.example/left",
        },
        options,
    )


def send(url: str, **form: str) -> http.client.HTTPResponse:
    """As a browser does."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
    connection.request("POST" if form else "GET", parts.path, urlencode(form), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def test_a_page_is_paid_by_a_click(client: StripeClient) -> None:
    session = checkout(client, client.v1.customers.create({"email": "a@example.org"}).id)
    assert (session.amount_total, session.payment_status) == (1000, "unpaid")
    assert session.url is not None
    assert send(session.url).status == 200
    paid = send(session.url, card="4242 4242 4242 4242", pay="1")
    assert (paid.status, paid.headers["Location"]) == (303, "http://shop.example/paid")
    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_status) == ("complete", "paid")


def test_a_declined_card_leaves_the_page_open_and_leaving_goes_back(client: StripeClient) -> None:
    session = checkout(client, client.v1.customers.create({"email": "a@example.org"}).id)
    assert session.url is not None
    assert send(session.url, card="4000 0000 0000 0341", pay="1").status == 200
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    assert send(session.url, leave="1").headers["Location"] == "http://shop.example/left"


def test_a_key_makes_a_thing_once_and_serves_one_request_only(client: StripeClient) -> None:
    options: stripe.RequestOptions = {"idempotency_key": "a-key"}
    made = [client.v1.customers.create({"name": "A"}, options).id for _ in range(2)]
    assert made[0] == made[1]
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, options)


def test_what_belongs_to_one_account_is_nothing_to_another(client: StripeClient) -> None:
    customer = client.v1.customers.create({"name": "A"}, {"stripe_account": "acct_one"}).id
    assert checkout(client, customer, stripe_account="acct_one").customer == customer
    for elsewhere in ({"stripe_account": "acct_two"}, {}):
        with pytest.raises(stripe.InvalidRequestError):
            checkout(client, customer, **elsewhere)


def test_without_a_key_of_the_api_nobody_is_served(server: PaymentServer) -> None:
    assert send(f"{server.address}/v1/customers", name="A").status == 401


def test_what_it_knows_outlives_it(tmp_path: Path) -> None:
    with PaymentServer(tmp_path) as first:
        client = client_of(first)
        session = checkout(client, client.v1.customers.create({"name": "A"}).id)
    with PaymentServer(tmp_path) as second:
        again = client_of(second).v1.checkout.sessions.retrieve(session.id)
        assert again.customer == session.customer
        assert client_of(second).v1.customers.retrieve(str(again.customer)).name == "A"


class Ear(BaseHTTPRequestHandler):
    """Fails the first time, then takes what comes."""

    heard: list[tuple[bytes, str]] = []
    done = threading.Event()
    failed = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if Ear.failed else 500)
        self.end_headers()
        if Ear.failed:
            Ear.heard.append((body, self.headers["Stripe-Signature"]))
            Ear.done.set()
        Ear.failed = True

    def log_message(self, *_: object) -> None:
        pass


def test_an_event_is_signed_as_stripe_signs_and_sent_again_until_it_is_taken(
    server: PaymentServer, client: StripeClient
) -> None:
    with HTTPServer(("127.0.0.1", 0), Ear) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{listener.server_port}/"
        server.desk.announcer.endpoints.append(Endpoint(url, "whsec_1", types=("customer.created",)))
        customer = client.v1.customers.create({"name": "A"}).id
        assert Ear.done.wait(20)
        listener.shutdown()
        thread.join()
    server.desk.announcer.endpoints.clear()
    [(body, signature)] = Ear.heard
    event = stripe.Webhook.construct_event(body, signature, "whsec_1")
    assert (event.type, event.data.object["id"]) == ("customer.created", customer)


def test_nested_values_come_out_of_a_form() -> None:
    pairs = [("a[0][b]", "1"), ("a[1][b]", "2"), ("types[0]", "x"), ("types[1]", "y"), ("c", "3")]
    assert nested(pairs) == {"a": [{"b": "1"}, {"b": "2"}], "types": ["x", "y"], "c": "3"}
