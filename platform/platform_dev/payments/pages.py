"""The pages that people click on: paying, looking after cards, connecting an account, and what a seller can do."""

from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from billing.money import Money
from platform_dev.payments.desk import Declined, Desk
from platform_dev.payments.samples import Object

TEMPLATES = Path(__file__).parent / "templates"

# What the test cards do, as localstripe knows them.
CARDS = (
    ("4242 4242 4242 4242", "pays"),
    ("4000 0000 0000 0341", "can be saved, but every payment with it is declined"),
    ("4000 0000 0000 0002", "is declined"),
)


@dataclass
class Pages:
    """Without log-ins and tokens against forged requests: nobody but the developer reaches loopback."""

    desk: Desk

    def blueprint(self) -> Blueprint:
        pages = Blueprint("pages", __name__)
        for rule, view, methods in (
            ("/pay/<session_id>", self.pay, ["GET", "POST"]),
            ("/portal/<session_id>", self.portal, ["GET", "POST"]),
            ("/connect/<account_id>", self.connect, ["GET", "POST"]),
            ("/", self.seller, ["GET"]),
            ("/payments/<intent_id>/refund", self.refund, ["POST"]),
            ("/payments/<intent_id>/dispute", self.dispute, ["POST"]),
            ("/disputes/<dispute_id>", self.close_dispute, ["POST"]),
        ):
            pages.add_url_rule(rule, view_func=view, methods=methods)
        return pages

    def pay(self, session_id: str) -> ResponseReturnValue:
        """The checkout."""
        with self.desk.shelf.lock:
            session = self.desk.shelf.get(session_id)
            problem = ""
            if request.method == "POST" and session["status"] == "open":
                if "leave" in request.form:
                    return redirect(session["cancel_url"], 303)
                try:
                    self.desk.pay(session, request.form["card"])
                    return redirect(session["success_url"], 303)
                except Declined as error:
                    problem = str(error)
        price = _money(session) if session["mode"] == "payment" else ""
        return render_template("pay.html", session=session, cards=CARDS, problem=problem, price=price)

    def portal(self, session_id: str) -> ResponseReturnValue:
        """A customer's cards."""
        with self.desk.shelf.lock:
            session = self.desk.shelf.get(session_id)
            account = self.desk.owner(session)
            if request.method == "POST":
                card = request.form["card"]
                self.desk.forward("POST", f"/v1/payment_methods/{card}/detach", "", account)
            cards = self.desk.cards(session["customer"], account)
        return render_template("portal.html", session=session, cards=cards)

    def connect(self, account_id: str) -> ResponseReturnValue:
        """A seller says who it is."""
        with self.desk.shelf.lock:
            account = self.desk.shelf.get(account_id)
            if request.method == "POST":
                account |= {"charges_enabled": True, "details_submitted": True, "payouts_enabled": True}
                self.desk.shelf.keep(account)
                self.desk.announcer.announce("account.updated", account, account_id)
                return redirect(account["_return_url"], 303)
        return render_template("connect.html", account=account)

    def seller(self) -> ResponseReturnValue:
        """Payments and disputes, as their sellers see them."""
        shelf = self.desk.shelf
        paid = [one for one in shelf.all("checkout.session") if one["payment_status"] == "paid"]
        return render_template(
            "seller.html", sessions=paid, disputes=list(shelf.all("dispute")), money=_money
        )

    def refund(self, intent_id: str) -> ResponseReturnValue:
        with self.desk.shelf.lock:
            self.desk.refund(intent_id, int(request.form["amount"]))
        return redirect("/", 303)

    def dispute(self, intent_id: str) -> ResponseReturnValue:
        with self.desk.shelf.lock:
            self.desk.dispute(intent_id)
        return redirect("/", 303)

    def close_dispute(self, dispute_id: str) -> ResponseReturnValue:
        with self.desk.shelf.lock:
            self.desk.close_dispute(self.desk.shelf.get(dispute_id), won="won" in request.form)
        return redirect("/", 303)


def _money(thing: Object) -> str:
    """What a session or a dispute is about, for people."""
    amount = thing["amount_total"] if "amount_total" in thing else thing["amount"]
    return Money(amount, thing["currency"].upper()).text()
