"""Accounts that buy, and the post office that brings the payment server's events to the product."""

from sqlalchemy.orm import Session

from billing.ledger.queries import credits_left
from billing.ledger.services import grant_credits
from billing.money import Money
from billing.payments.checkout import start_checkout, start_saving_card
from billing.payments.connecting import start_connecting
from billing.payments.events import apply_due, apply_event, keep_event
from billing.payments.models import Card, Payment, SellerRow
from billing.payments.purchases import BackTo, Purchase
from billing.payments.till import Till
from billing.prices.services import set_price
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import AccountId
from platform_dev.payments.samples import Object
from platform_dev.payments.server import PaymentServer
from platform_dev.payments.webhooks import sign
from tenants.accounts.queries import account_by_id, main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.models import Account

SECRET = "whsec_of_the_tests"
BACK = BackTo("http://portal.example/paid", "http://portal.example/left")
GOOD_CARD = "4242 4242 4242 4242"
CARD_THAT_FAILS_LATER = "4000 0000 0000 0341"


class PostOffice:
    """Brings what the payment server has to say since this test began; in the order asked for, as often as asked for."""

    def __init__(self, server: PaymentServer, till: Till) -> None:
        self._server = server
        self._till = till
        self._old = {event["id"] for event in server.desk.shelf.all("event")}

    def waiting(self) -> list[Object]:
        """Oldest first."""
        events = reversed(list(self._server.desk.shelf.all("event")))
        return [event for event in events if event["id"] not in self._old]

    def bring(self, *events: Object) -> None:
        """Deliver these, signed; without any: all that wait."""
        for event in events or self.waiting():
            self._old.add(event["id"])
            keep(self._till, event)
            apply_event(event["id"], clock=self._till.clock)

    def look_again(self) -> None:
        """What the job does a while later."""
        apply_due(clock=self._till.clock)


def keep(till: Till, event: Object) -> None:
    """Write an event down as the webhook does, without applying it."""
    signed = sign(event, SECRET)
    keep_event(db.session(), till.gateway.read_event(signed.body, signed.signature), clock=till.clock)
    db.session.commit()


class Buyer:
    """An account that buys, and what it can see of it."""

    def __init__(
        self, reseller: ResellerRef, account_id: AccountId, server: PaymentServer, till: Till
    ) -> None:
        self.reseller = reseller
        self.id = account_id
        self.server = server
        self.till = till

    def account(self, session: Session) -> Account:
        return account_by_id(session, self.id)

    def open(self, purchase: Purchase, *, save_card: bool = False) -> Object:
        """Go to the checkout; hands back the payment server's session."""
        with tenant_session(self.reseller) as session:
            url = start_checkout(
                session, self.account(session), purchase, till=self.till, back_to=BACK, save_card=save_card
            )
            session.commit()
        return self.server.desk.shelf.get(url.rpartition("/")[2])

    def buy(self, purchase: Purchase, *, save_card: bool = False) -> Object:
        """Go to the checkout and pay. The events of it are not delivered yet."""
        checkout = self.open(purchase, save_card=save_card)
        self.server.desk.pay(checkout, GOOD_CARD)
        return checkout

    def save_card(self, number: str = GOOD_CARD) -> None:
        with tenant_session(self.reseller) as session:
            url = start_saving_card(session, self.account(session), till=self.till, back_to=BACK)
            session.commit()
        self.server.desk.pay(self.server.desk.shelf.get(url.rpartition("/")[2]), number)

    def cards(self) -> list[Card]:
        with tenant_session(self.reseller) as session:
            return session.query(Card).filter_by(account_id=self.id, removed_at=None).all()

    def payment(self) -> Payment:
        """Its only one."""
        with tenant_session(self.reseller) as session:
            return session.query(Payment).filter_by(account_id=self.id).one()

    def payments(self) -> list[Payment]:
        with tenant_session(self.reseller) as session:
            return session.query(Payment).filter_by(account_id=self.id).order_by(Payment.created_at).all()

    def credits(self) -> int:
        """Its balance by the ledger: the sum of its entries."""
        with tenant_session(self.reseller) as session:
            return credits_left(session, self.id, self.till.clock.now())


def connected_customer(reseller: ResellerRef, server: PaymentServer, till: Till, post: PostOffice) -> Buyer:
    start_connecting(reseller, till=till, currency="EUR", back_to="http://a/", again="http://b/")
    with tenant_session(reseller) as session:
        seller = session.query(SellerRow.stripe_account).scalar()
        main = main_account(session)
        grant_credits(session, main, 10_000, clock=till.clock)
        set_price(session, main, Money(500, "EUR"), clock=till.clock)
        account = create_sub_account(session, NewAccount("Corner Shop"))
        session.commit()
    finish_onboarding(server, seller)
    post.bring()
    return Buyer(reseller, account.id, server, till)


def finish_onboarding(server: PaymentServer, seller: str) -> None:
    """As the page of the payment server does."""
    account = server.desk.shelf.get(seller) | {"charges_enabled": True, "details_submitted": True}
    server.desk.shelf.keep(account)
    server.desk.announcer.announce("account.updated", account, seller)
