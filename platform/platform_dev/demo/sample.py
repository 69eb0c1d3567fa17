"""The sample agency with its two customers, made through the same services as everything else."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from billing.ledger.queries import credits_left
from billing.ledger.services import grant_credits
from platform_core.clock import Clock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.errors import NotFound
from platform_core.ids import ResellerKey
from platform_core.security import Seal, SecretVerifier, random_text
from platform_core.settings import Settings
from platform_dev.authority import LocalAuthority
from platform_dev.demo import layout as demo
from platform_dev.demo.layout import Layout
from tenants.accounts.queries import main_account, sub_accounts
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.domains.queries import domains_of
from tenants.domains.services import add_domain
from tenants.hostnames.certificates import CertificatePair
from tenants.hostnames.services import set_certificate
from tenants.models import Account, Brand, Domain, HostPurpose, Role, SmtpAccount
from tenants.resellers.queries import brand, reseller_by_key
from tenants.resellers.services import NewReseller, create_reseller
from tenants.smtp_accounts.queries import smtp_accounts_of
from tenants.smtp_accounts.services import IssuedSecret, create_smtp_account, rotate_secret
from tenants.users.queries import staff_by_email, users_of
from tenants.users.services import NewUser, add_staff, add_user, change_staff_password, change_user_password

_AGENCY_CREDITS = 100_000
_CUSTOMER_CREDITS = 5_000


@dataclass(frozen=True, slots=True)
class Customer:
    """A sample customer to make: its name, its sending domain, and the person who logs in."""

    name: str
    domain: str
    person: str
    email: str
    time_zone: str


CUSTOMERS = (
    Customer(
        "Bluebird Bakery",
        "bluebird-bakery.example",
        "Mia Berger",
        "mia@bluebird-bakery.example",
        "Europe/Vienna",
    ),
    Customer(
        "Harbour Books",
        "harbour-books.example",
        "Noah Reed",
        "noah@harbour-books.example",
        "America/New_York",
    ),
)


@dataclass(frozen=True, slots=True)
class Login:
    """An address and a password for a page."""

    email: str
    password: str


@dataclass(frozen=True, slots=True)
class SmtpLogin:
    """A login to the relay, and an address it may send from."""

    user_name: str
    secret: str
    mail_from: str


@dataclass(frozen=True, slots=True)
class SampleCustomer:
    """What there is to know of a sample customer."""

    name: str
    login: Login
    smtp: SmtpLogin


@dataclass(frozen=True, slots=True)
class Sample:
    """Everybody who can log in. Passwords and secrets are new on every run of the demo."""

    reseller: ResellerRef
    staff: Login
    agency: Login
    customers: tuple[SampleCustomer, ...]


def prepare_sample(settings: Settings, layout: Layout, clock: Clock) -> Sample:
    """Make what isn't there yet, and give everybody a new password. Needs an application context."""
    secret_key = settings.secret_key.get_secret_value()
    staff = _staff()
    reseller = _agency(layout, Seal(secret_key))
    with tenant_session(reseller) as session:
        agency = _prepare_agency(session, secret_key, clock)
        customers = tuple(_prepare_customer(session, customer, secret_key, clock) for customer in CUSTOMERS)
        session.commit()
    return Sample(reseller, staff, agency, customers)


def sample_domains(session: Session) -> list[Domain]:
    """The sending domains of the agency and all customers, with their keys."""
    everybody = [main_account(session), *sub_accounts(session)]
    return [domain for account in everybody for domain in domains_of(session, account.id)]


def _staff() -> Login:
    password = random_text(16)
    staff = staff_by_email(db.session(), demo.STAFF_EMAIL)
    if staff is None:
        add_staff(db.session(), demo.STAFF_EMAIL, "Sam Staff", password)
    else:
        change_staff_password(db.session(), staff, password)
    db.session.commit()
    return Login(demo.STAFF_EMAIL, password)


def _agency(layout: Layout, seal: Seal) -> ResellerRef:
    """The agency with its hosts, and a certificate for its SMTP name from this machine's own authority."""
    session = db.session()
    key = ResellerKey(demo.AGENCY)
    try:
        reseller = reseller_by_key(session, key).ref
    except NotFound:
        hosts = {
            HostPurpose.PORTAL: demo.PORTAL_HOST,
            HostPurpose.SMTP: demo.SMTP_HOST,
            HostPurpose.TRACKING: demo.TRACKING_HOST,
            HostPurpose.RETURN_PATH: demo.RETURN_PATH_HOST,
        }
        new = NewReseller(key, "Paperplane", "olivia@paperplane.localhost", hosts, time_zone="Europe/London")
        reseller = create_reseller(session, new, actor="demo").reseller
    certificate = LocalAuthority(layout.authority).issue(demo.SMTP_HOST)
    pair = CertificatePair(certificate.chain, certificate.key)
    set_certificate(session, reseller.id, demo.SMTP_HOST, pair, seal=seal)
    session.commit()
    return reseller


def _prepare_agency(session: Session, secret_key: str, clock: Clock) -> Login:
    look: Brand = brand(session)
    look.primary_colour = "#7c3aed"
    look.support_email = "help@paperplane.localhost"
    account = main_account(session)
    if not domains_of(session, account.id):
        add_domain(session, account.id, demo.AGENCY_DOMAIN, seal=Seal(secret_key))
    _top_up(session, account, _AGENCY_CREDITS, clock)
    return _new_password(session, account)


def _prepare_customer(session: Session, customer: Customer, secret_key: str, clock: Clock) -> SampleCustomer:
    account = next((known for known in sub_accounts(session) if known.name == customer.name), None)
    if account is None:
        account = create_sub_account(
            session, NewAccount(customer.name, customer.time_zone, monthly_cap=10_000, plan_quota=1_000)
        )
        add_user(session, NewUser(account.id, customer.email, Role.OWNER, customer.person))
        add_domain(session, account.id, customer.domain, seal=Seal(secret_key))
    _top_up(session, account, _CUSTOMER_CREDITS, clock)
    issued = _smtp_login(session, account, SecretVerifier(secret_key), clock)
    mail_from = f"hello@{customer.domain}"
    return SampleCustomer(
        customer.name,
        _new_password(session, account),
        SmtpLogin(issued.smtp_account.user_name, issued.secret, mail_from),
    )


def _top_up(session: Session, account: Account, credits: int, clock: Clock) -> None:
    if credits_left(session, account.id, clock.now()) < credits // 2:
        grant_credits(session, account, credits, clock=clock, note="A gift to begin with")


def _new_password(session: Session, account: Account) -> Login:
    user = users_of(session, account.id)[0]
    password = random_text(16)
    change_user_password(session, user, password)
    return Login(user.email, password)


def _smtp_login(session: Session, account: Account, verifier: SecretVerifier, clock: Clock) -> IssuedSecret:
    name = "Web shop"
    known: SmtpAccount | None = next(
        (login for login in smtp_accounts_of(session, account.id) if login.name == name), None
    )
    if known is None:
        return create_smtp_account(session, account.id, name, verifier=verifier)
    return rotate_secret(session, known, verifier=verifier, clock=clock)
