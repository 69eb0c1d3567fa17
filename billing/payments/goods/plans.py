"""Plans: the first month is paid at the checkout; the months after it come out of the wallet."""

from sqlalchemy.orm import Session

from billing.payments.goods.shelf import Delivered, Order, TakenBack
from billing.payments.purchases import Purchase, Quote
from billing.plans.catalogue import offered_plan
from billing.plans.queries import current_plan
from billing.plans.renewals import regain_plan, return_plan
from billing.plans.services import subscribe
from billing.plans.states import PlanStatus
from platform_core.clock import SystemClock
from platform_core.errors import NotForSale, NotFound
from tenants.models import Account


class Plans:
    """One plan a unit; the item says which."""

    def quote(self, session: Session, account: Account, purchase: Purchase, currency: str) -> Quote:
        if purchase.units != 1 or not purchase.item.isdigit():
            raise NotFound("There is no such plan.")
        plan = offered_plan(session, account, int(purchase.item))
        present = current_plan(session, account, clock=SystemClock())
        if present and present.status in (PlanStatus.ACTIVE, PlanStatus.PAST_DUE):
            raise NotForSale(f"You have the plan {present.name}; change it instead.")
        return Quote(purchase, plan.price, f"{plan.name}, one month")

    def deliver(self, order: Order) -> Delivered:
        subscribe(order.session, order.account, int(order.payment.item), clock=order.clock, paid=True)
        return Delivered()

    def take_back(self, order: Order, units: int) -> TakenBack:
        plan = current_plan(order.session, order.account, clock=order.clock)
        if plan is None or plan.status is PlanStatus.ENDED or str(plan.plan_id) != order.payment.item:
            return TakenBack(0, units)  # it is over, or has become another one
        if order.payment.delivered_at is None or plan.period_start > order.payment.delivered_at:
            return TakenBack(0, units)  # the month that was paid is over
        return_plan(order.session, order.account, clock=order.clock)
        return TakenBack(units, 0)

    def give_again(self, order: Order, units: int) -> Delivered:
        regain_plan(order.session, order.account, clock=order.clock)
        return Delivered()
