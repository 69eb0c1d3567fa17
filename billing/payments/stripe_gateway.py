"""The payment gateway over Stripe's own library. Stripe's errors end here and become ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache

import stripe
import structlog
from stripe import RequestOptions, StripeClient

from billing.money import Money
from billing.payments.gateway import (
    PLATFORM,
    CardCharge,
    CardOrder,
    Charged,
    CheckoutOrder,
    NewCustomer,
    OpenedPage,
    PaymentGateway,
    Received,
)
from platform_core.errors import EventRejected, PaymentDeclined, PaymentsOff, Unavailable
from platform_core.settings import Settings

# How old a signed event may be, in seconds: Stripe's own advice. Longer would let a recorded one be sent again, which
# changes nothing; shorter would refuse good ones where clocks differ.
TOLERANCE_SECONDS = 300
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 25.0
_RETRIES = 2

log = structlog.get_logger()


def gateway_for(settings: Settings) -> PaymentGateway:
    """The gateway of these settings; one for a process, whose connections it keeps. Raises PaymentsOff without a key."""
    if settings.stripe_secret_key is None:
        raise PaymentsOff("Payments are not set up here.")
    secrets = (settings.stripe_webhook_secret, settings.stripe_connect_webhook_secret)
    return _gateway(
        settings.stripe_secret_key.get_secret_value(),
        settings.stripe_api_base,
        tuple(secret.get_secret_value() for secret in secrets if secret is not None),
    )


@cache
def _gateway(secret_key: str, api_base: str | None, webhook_secrets: tuple[str, ...]) -> PaymentGateway:
    return StripeGateway(secret_key, api_base=api_base, webhook_secrets=webhook_secrets)


class StripeGateway:
    """`webhook_secrets`: of our endpoints at Stripe; an event may be signed with any of them."""

    def __init__(self, secret_key: str, *, api_base: str | None, webhook_secrets: Sequence[str]) -> None:
        self._stripe = StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=_RETRIES,
            http_client=stripe.RequestsClient(timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS)),
        )
        self._secrets = webhook_secrets

    def make_customer(self, customer: NewCustomer) -> str:
        with _our_errors():
            made = self._stripe.v1.customers.create(
                {
                    "name": customer.name,
                    "email": customer.email,
                    "metadata": dict(customer.metadata),
                },
                _options(customer.seller, customer.key),
            )
        return made.id

    def open_checkout(self, order: CheckoutOrder) -> OpenedPage:
        metadata = dict(order.metadata)
        intent: stripe.params.checkout.SessionCreateParamsPaymentIntentData = {
            "metadata": metadata,
            "description": order.description,
        }
        if order.save_card:
            intent["setup_future_usage"] = "off_session"
        with _our_errors():
            session = self._stripe.v1.checkout.sessions.create(
                {
                    "mode": "payment",
                    "customer": order.customer,
                    "line_items": [
                        _item(order.price, order.description),
                        *([_item(order.tax, "VAT")] if order.tax.amount else []),
                    ],
                    "payment_intent_data": intent,
                    "metadata": metadata,
                    "success_url": order.paid_url,
                    "cancel_url": order.cancelled_url,
                },
                _options(order.seller, order.key),
            )
        return _page(session)

    def open_card_page(self, order: CardOrder) -> OpenedPage:
        with _our_errors():
            session = self._stripe.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": order.customer,
                    "currency": order.currency.lower(),
                    "setup_intent_data": {"metadata": dict(order.metadata)},
                    "metadata": dict(order.metadata),
                    "success_url": order.saved_url,
                    "cancel_url": order.cancelled_url,
                },
                _options(order.seller, order.key),
            )
        return _page(session)

    def open_portal(self, customer: str, *, back_to: str, seller: str) -> str:
        with _our_errors():
            return self._stripe.v1.billing_portal.sessions.create(
                {"customer": customer, "return_url": back_to}, _options(seller)
            ).url

    def charge_card(self, charge: CardCharge) -> Charged:
        with _our_errors():
            intent = self._stripe.v1.payment_intents.create(
                {
                    "amount": charge.price.amount,
                    "currency": charge.price.currency.lower(),
                    "customer": charge.customer,
                    "payment_method": charge.card,
                    "metadata": dict(charge.metadata),
                    "off_session": True,
                    "confirm": True,
                },
                _options(charge.seller, charge.key),
            )
        if intent.status == "succeeded":
            return Charged(intent.id, Money(intent.amount, intent.currency.upper()))
        if intent.status == "processing":
            return Charged(intent.id, None)
        # The bank wants to see its customer (3-D Secure), who is away.
        raise PaymentDeclined("authentication_required", "The bank asks for the card holder's confirmation.")

    def remove_card(self, card: str, *, key: str, seller: str) -> None:
        with _our_errors():
            self._stripe.v1.payment_methods.detach(card, {}, _options(seller, key))

    def refund(self, intent: str, money: Money, *, key: str, seller: str) -> None:
        with _our_errors():
            self._stripe.v1.refunds.create(
                {"payment_intent": intent, "amount": money.amount}, _options(seller, key)
            )

    def make_seller(self, *, key: str, email: str, metadata: Mapping[str, str]) -> str:
        with _our_errors():
            account = self._stripe.v1.accounts.create(
                {"type": "standard", "email": email, "metadata": dict(metadata)}, _options(PLATFORM, key)
            )
        return account.id

    def open_onboarding(self, seller: str, *, back_to: str, again: str) -> str:
        with _our_errors():
            return self._stripe.v1.account_links.create(
                {
                    "account": seller,
                    "type": "account_onboarding",
                    "return_url": back_to,
                    "refresh_url": again,
                }
            ).url

    def read_event(self, body: bytes, signature: str) -> Received:
        payload = self._verified(body, signature)
        try:
            event = json.loads(payload)
            return Received(
                id=str(event["id"]),
                type=str(event["type"]),
                account=str(event.get("account") or PLATFORM),
                payload=payload,
                happened_at=datetime.fromtimestamp(event["created"], UTC),
            )
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
            raise EventRejected("The body is not an event.") from error

    def _verified(self, body: bytes, signature: str) -> str:
        for secret in self._secrets:
            try:
                stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
                return body.decode()
            except (stripe.SignatureVerificationError, UnicodeDecodeError):
                continue
        raise EventRejected("The signature does not fit.")


def _options(seller: str, key: str = "") -> RequestOptions:
    options: RequestOptions = {}
    if seller:
        options["stripe_account"] = seller
    if key:
        options["idempotency_key"] = key
    return options


def _item(price: Money, name: str) -> "stripe.params.checkout.SessionCreateParamsLineItem":
    return {
        "quantity": 1,
        "price_data": {
            "currency": price.currency.lower(),
            "unit_amount": price.amount,
            "product_data": {"name": name},
        },
    }


def _page(session: stripe.checkout.Session) -> OpenedPage:
    if session.url is None:
        raise Unavailable("The payment service gave no page to pay on.")
    return OpenedPage(session.id, session.url)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except stripe.CardError as error:
        code = str(error.code or "card_declined")
        raise PaymentDeclined(code, error.user_message or "The card was declined.") from error
    except stripe.StripeError as error:
        # Of these only the kind and Stripe's own reference are logged: the words may repeat what people have typed.
        log.error(
            "payment_service_fault", kind=type(error).__name__, code=error.code, request=error.request_id
        )
        raise Unavailable(
            "The payment service can't be reached or refuses; please try again later."
        ) from error
