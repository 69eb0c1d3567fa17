"""The trade itself: paying a session, saving a card, refunding, disputing; each step announced by its events.

localstripe answers for customers, cards, intents and refunds; sessions and disputes are ours, and so are all events.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from platform_dev.payments.samples import Object, new_object
from platform_dev.payments.shelf import Shelf
from platform_dev.payments.upstream import Answer, Upstream
from platform_dev.payments.webhooks import Announcer

# Any year will do; cards here never expire.
_EXPIRY = {"card[exp_month]": "12", "card[exp_year]": "2034", "card[cvc]": "123"}


class Declined(Exception):
    """The bank of this card says no."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that happens at the payment service, whether the API asks for it or a person clicks on it."""

    shelf: Shelf
    upstream: Upstream
    announcer: Announcer

    def pay(self, session: Object, card_number: str) -> None:
        """Pay an open session with a card, or leave the card there. Raises Declined."""
        account = self.owner(session)
        card = self._card(card_number, account)
        if session["mode"] == "setup":
            self._save_card(session, card, account)
        else:
            self._pay_with(session, card, account)
        session["status"] = "complete"
        self.shelf.keep(session)
        self.announcer.announce("checkout.session.completed", session, account)

    def expire(self, session: Object) -> None:
        """Nobody can pay it any more."""
        session["status"] = "expired"
        self.shelf.keep(session)
        self.announcer.announce("checkout.session.expired", session, self.owner(session))

    def forward(self, method: str, path: str, form: str, account: str) -> Answer:
        """Have localstripe do something, and announce what it has done."""
        answer = self.upstream.call(method, path, form, account)
        if method == "POST":
            self._announce(path.partition("?")[0], answer, account)
        return answer

    def refund(self, intent_id: str, amount: int) -> None:
        """Give money back, as the seller does on the payment service's own pages."""
        account = self.shelf.owner(intent_id) or ""
        self.forward("POST", "/v1/refunds", f"payment_intent={intent_id}&amount={amount}", account)

    def dispute(self, intent_id: str) -> Object:
        """The card's holder tells the bank that it was not so."""
        account = self.shelf.owner(intent_id) or ""
        intent = self.upstream.get(f"/v1/payment_intents/{intent_id}", account)
        dispute = new_object(
            "dispute",
            {
                "amount": intent["amount"],
                "currency": intent["currency"],
                "charge": _id(intent["latest_charge"]),
                "payment_intent": intent_id,
                "reason": "fraudulent",
                "status": "needs_response",
            },
        )
        self.shelf.keep(dispute, account)
        self.announcer.announce("charge.dispute.created", dispute, account)
        return dispute

    def lose_dispute(self, dispute: Object) -> None:
        """The seller gives in."""
        self.close_dispute(dispute, won=False)

    def close_dispute(self, dispute: Object, *, won: bool) -> None:
        """The bank has decided."""
        dispute["status"] = "won" if won else "lost"
        self.shelf.keep(dispute)
        self.announcer.announce("charge.dispute.closed", dispute, self.owner(dispute))

    def cards(self, customer: str, account: str) -> list[Object]:
        """A customer's saved cards."""
        listed = self.upstream.get(f"/v1/payment_methods?customer={customer}&type=card", account)
        return list(listed["data"])

    def owner(self, thing: Object) -> str:
        """The account that an object on the shelf belongs to."""
        return self.shelf.owner(thing["id"]) or ""

    def _card(self, number: str, account: str) -> Object:
        fields = {"type": "card", "card[number]": number.replace(" ", ""), **_EXPIRY}
        return self._done(self.upstream.post("/v1/payment_methods", fields, account))

    def _pay_with(self, session: Object, card: Object, account: str) -> None:
        asked: Object = session["_payment_intent_data"]
        if asked.get("setup_future_usage"):
            self._attach(card, session["customer"], account)
        intent = self._done(
            self._post(
                "/v1/payment_intents",
                {
                    "amount": session["amount_total"],
                    "currency": session["currency"],
                    "customer": session["customer"],
                    "payment_method": card["id"],
                    "confirm": "true",
                    **{f"metadata[{name}]": value for name, value in asked.get("metadata", {}).items()},
                },
                account,
            )
        )
        session["payment_intent"], session["payment_status"] = intent["id"], "paid"

    def _save_card(self, session: Object, card: Object, account: str) -> None:
        made = self._done(self.upstream.post("/v1/setup_intents", {"customer": session["customer"]}, account))
        path = f"/v1/setup_intents/{made['id']}/confirm"
        self._done(self._post(path, {"payment_method": card["id"]}, account))
        self._attach(card, session["customer"], account)
        session["setup_intent"], session["payment_status"] = made["id"], "no_payment_required"

    def _attach(self, card: Object, customer: str, account: str) -> None:
        path = f"/v1/payment_methods/{card['id']}/attach"
        self._done(self._post(path, {"customer": customer}, account))

    def _post(self, path: str, fields: Mapping[str, object], account: str) -> Answer:
        answer = self.upstream.post(path, fields, account)
        self._announce(path, answer, account)
        return answer

    @staticmethod
    def _done(answer: Answer) -> Object:
        if not answer.ok:
            raise Declined(str(answer.body.get("error", {}).get("message") or "The card was declined."))
        return answer.body

    def _announce(self, path: str, answer: Answer, account: str) -> None:
        """localstripe tells of few things itself, and a second late: so what an answer means is told here."""
        _, _, noun, *rest = path.split("/")
        verb = rest[-1] if len(rest) > 1 else ""
        match noun, verb, answer.ok:
            case "customers", _, True:
                self.announcer.announce(f"customer.{'updated' if rest else 'created'}", answer.body, account)
            case "payment_methods", "attach" | "detach", True:
                self.announcer.announce(f"payment_method.{verb}ed", answer.body, account)
            case "setup_intents", "confirm", True:
                self.announcer.announce("setup_intent.succeeded", answer.body, account)
            case "payment_intents", _, True if answer.body["status"] == "succeeded":
                received = answer.body | {"amount_received": answer.body["amount"]}
                self.announcer.announce("payment_intent.succeeded", received, account)
            case "payment_intents", _, False if answer.status == 402:
                self._announce_decline(answer, account)
            case "refunds", _, True:
                self._announce_refund(answer.body, account)

    def _announce_decline(self, answer: Answer, account: str) -> None:
        charge = self.upstream.get(f"/v1/charges/{answer.body['error']['charge']}", "")
        self.shelf.own(charge["payment_intent"], account)
        intent = self.upstream.get(f"/v1/payment_intents/{charge['payment_intent']}", account)
        failed = intent | {"last_payment_error": {"code": "card_declined", "type": "card_error"}}
        self.announcer.announce("payment_intent.payment_failed", failed, account)

    def _announce_refund(self, refund: Object, account: str) -> None:
        self.shelf.own(str(refund["charge"]), account)
        charge = self.upstream.get(f"/v1/charges/{refund['charge']}", account)
        known = {name: charge[name] for name in ("id", "amount", "amount_refunded", "refunded", "currency")}
        intent = {"payment_intent": charge["payment_intent"], "customer": charge["customer"]}
        self.announcer.announce("charge.refunded", new_object("charge", known | intent), account)


def _id(value: object) -> str:
    """localstripe expands what Stripe gives as an id."""
    return str(value["id"]) if isinstance(value, dict) else str(value)
