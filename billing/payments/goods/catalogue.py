"""Every good that can be bought."""

from collections.abc import Mapping

from billing.payments.goods.credits import Credits
from billing.payments.goods.dedicated_ips import DedicatedIps
from billing.payments.goods.invoices import Invoices
from billing.payments.goods.plans import Plans
from billing.payments.goods.shelf import Goods
from billing.payments.goods.wallet import WalletMoney
from billing.payments.purchases import Good

GOODS: Mapping[Good, Goods] = {
    Good.CREDITS: Credits(),
    Good.WALLET: WalletMoney(),
    Good.PLAN: Plans(),
    Good.DEDICATED_IP: DedicatedIps(),
    Good.INVOICE: Invoices(),
}
