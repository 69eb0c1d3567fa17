"""Buying: pages of the payment service to pay on, to leave a card on, and to look after cards on.

Each of these commits what it has written before it asks the payment service, so that no connection to the database waits
for somebody else's server; the caller commits the rest.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.money import Money
from billing.payments.gateway import CardOrder, CheckoutOrder, NewCustomer
from billing.payments.models import Card, Payment, PaymentCustomer
from billing.payments.purchases import BackTo, Origin, Purchase
from billing.payments.states import PaymentState
from billing.payments.till import Seller, Till, marks_of, open_payment, quote_for, seller_to
from platform_core.errors import InvalidInput, NotFound
from platform_core.security import random_text
from tenants.models import Account
from tenants.users.queries import users_of


def start_checkout(
    session: Session,
    account: Account,
    purchase: Purchase,
    *,
    till: Till,
    back_to: BackTo,
    save_card: bool = False,
) -> str:
    """The address of a page on which the buyer pays. Nothing is delivered before the payment service says that it has.

    Raises NotForSale, InvalidInput, PaymentDeclined and Unavailable.
    """
    seller = seller_to(session, account, till.currency)
    quote = quote_for(session, account, purchase, currency=till.currency, clock=till.clock)
    customer = customer_for(session, account, seller, till)
    payment = open_payment(session, account, quote, seller, origin=Origin.CHECKOUT, clock=till.clock)
    order = CheckoutOrder(
        key=f"checkout-{payment.id}",
        customer=customer,
        price=quote.net,
        tax=quote.tax,
        description=quote.description,
        metadata=marks_of(session, account, payment),
        paid_url=back_to.paid,
        cancelled_url=back_to.cancelled,
        save_card=save_card,
        seller=seller.account,
    )
    session.commit()
    page = till.gateway.open_checkout(order)
    payment.checkout = page.id
    session.flush()
    return page.url


def start_saving_card(session: Session, account: Account, *, till: Till, back_to: BackTo) -> str:
    """The address of a page on which a card is left for later. It is saved once the payment service has told us of it."""
    seller = seller_to(session, account, till.currency)
    customer = customer_for(session, account, seller, till)
    order = CardOrder(
        key=f"card-{random_text(24)}",
        customer=customer,
        currency=seller.currency,
        saved_url=back_to.paid,
        cancelled_url=back_to.cancelled,
        metadata=marks_of(session, account),
        seller=seller.account,
    )
    session.commit()
    return till.gateway.open_card_page(order).url


def start_portal(session: Session, account: Account, *, till: Till, back_to: str) -> str:
    """The address of the payment service's own page about this customer's cards and receipts."""
    seller = seller_to(session, account, till.currency)
    customer = customer_for(session, account, seller, till)
    session.commit()
    return till.gateway.open_portal(customer, back_to=back_to, seller=seller.account)


def forget_card(session: Session, account: Account, card_id: str, *, till: Till) -> None:
    """Have a saved card removed at the payment service, which then tells us that it is. Raises NotFound."""
    card = session.get(Card, card_id)
    if card is None or card.account_id != account.id or card.removed_at is not None:
        raise NotFound("There is no such card.")
    seller = card.stripe_account
    session.commit()
    till.gateway.remove_card(card_id, key=f"forget-{card_id}", seller=seller)


def refund_payment(
    session: Session, payment_id: UUID, minor_units: int | None = None, *, till: Till
) -> Money:
    """Have money given back: so many minor units, or all that is left. What it bought is taken back when we are told
    that the money has gone. Asking twice for the same, before that, refunds once. Raises NotFound and InvalidInput.
    """
    payment = session.get(Payment, payment_id)
    if payment is None or payment.intent is None or payment.state == PaymentState.OPEN:
        raise NotFound("There is no such payment that has been paid.")
    left = payment.paid - payment.refunded
    amount = left if minor_units is None else minor_units
    if not 0 < amount <= left:
        raise InvalidInput("amount", "No more can be refunded than was paid.")
    money = Money(amount, payment.currency)
    intent, seller = payment.intent, payment.stripe_account
    key = f"refund-{payment.id}-{payment.refunded}-{amount}"
    session.commit()
    till.gateway.refund(intent, money, key=key, seller=seller)
    return money


def customer_for(session: Session, account: Account, seller: Seller, till: Till) -> str:
    """The account as a customer at its seller's, made when it first buys."""
    known = session.get(PaymentCustomer, (account.id, seller.account))
    if known is not None:
        return known.customer
    people = users_of(session, account.id)
    customer = NewCustomer(
        # Made anew with a reseller of the same key, an account is another one: then its time differs.
        key=f"customer-{session.info['reseller'].key}-{account.id}-{account.created_at.timestamp():.0f}",
        name=account.name,
        email=people[0].email if people else "",
        metadata=marks_of(session, account),
        seller=seller.account,
    )
    session.commit()
    made = till.gateway.make_customer(customer)
    new = insert(PaymentCustomer).values(account_id=account.id, stripe_account=seller.account, customer=made)
    session.execute(new.on_conflict_do_nothing())
    query = select(PaymentCustomer.customer).where(
        PaymentCustomer.account_id == account.id, PaymentCustomer.stripe_account == seller.account
    )
    return session.scalars(query).one()
