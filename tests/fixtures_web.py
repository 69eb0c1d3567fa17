"""The whole web as one application, visitors without a screen, and agencies with people, mail and domains in them."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import Client, TestResponse

from billing.ledger.services import grant_credits
from platform_core.clock import Clock, SystemClock
from platform_core.database import ResellerRef, db, tenant_session
from platform_core.ids import AccountId, DomainId, MessageId, ResellerKey, SmtpAccountId, new_message_id
from platform_core.mail.states import BounceKind, RecipientState
from platform_core.security import Seal, SecretVerifier, hash_password
from platform_core.settings import Settings, settings
from platform_dev.redis import EmbeddedRedis
from platform_web.app import build_sites
from relay_worker.queue.claims import Claimed, Result
from relay_worker.queue.door import Submission, Verdict
from relay_worker.queue.postgres import PostgresClaims, PostgresDoor, open_pool
from tenants.accounts.queries import main_account
from tenants.accounts.services import NewAccount, create_sub_account
from tenants.domains.keys import GeneratedKey, generate_key
from tenants.models import Account, DkimKey, Domain, HostPurpose, KeyState, Role, User
from tenants.resellers.services import NewReseller
from tenants.smtp_accounts.services import create_smtp_account
from tenants.users.services import add_staff
from tests.vacancies import Vacancies
from whitelabel.hosts import HostDispatcher, SiteKind

PASSWORD = "correct-horse-battery"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser without a screen, at one host, from an address of its own; keeps its cookies."""

    def __init__(self, application: HostDispatcher, host: str) -> None:
        self.client = Client(application)
        self.host = host
        self.address = f"10.{uuid4().int % 256}.{uuid4().int % 256}.{uuid4().int % 254 + 1}"

    def get(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._open("GET", path, headers=named)

    def post(self, path: str, form: dict[str, str] | None = None, *, token: bool = True) -> TestResponse:
        data = dict(form or {})
        if token:
            data["csrf_token"] = self.token()
        return self._open("POST", path, data=data)

    def token(self) -> str:
        """The CSRF token of this visitor's session, as any of its forms has it."""
        page = self.get("/password")
        if page.status_code == 302:
            page = self.get("/login")
        found = _TOKEN.search(page.text)
        assert found, page.text
        return found[1]

    def log_in(self, email: str, password: str = PASSWORD) -> "Visitor":
        answer = self.post("/login", {"email": email, "password": password})
        assert answer.status_code == 302, answer.text
        return self

    def _open(self, method: str, path: str, **options: object) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            base_url=f"http://{self.host}",
            buffered=True,
            environ_overrides={"REMOTE_ADDR": self.address},
            **options,
        )


@dataclass(frozen=True)
class Tenant:
    """One account of an agency with everything it can have."""

    reseller: ResellerRef
    id: AccountId
    owner: str
    member: str
    smtp_account: SmtpAccountId
    user_name: str
    domain: DomainId
    domain_name: str


@dataclass(frozen=True)
class Agency:
    """A reseller: its portal's host, its main account and two customers."""

    ref: ResellerRef
    name: str
    portal: str
    main: Tenant
    customer: Tenant
    other: Tenant


def web_settings(**changes: object) -> Settings:
    """The settings of the running test servers, with a log-in limit that no test meets by accident."""
    return settings().model_copy(update={"login_limit": "10000 per minute", **changes})


@contextmanager
def sites_with(clock: Clock | None = None, **changes: object) -> Iterator[HostDispatcher]:
    """Every site, as wsgi.py would serve it with these settings changed; a host name is looked up each time."""
    sites = build_sites(web_settings(**changes), clock or SystemClock(), remember_seconds=0)
    try:
        yield sites
    finally:
        for site in sites.sites.values():
            assert isinstance(site, Flask)
            with site.app_context():
                db.engine.dispose()


@pytest.fixture(scope="session")
def web(redis_server: EmbeddedRedis, database: Settings) -> Iterator[HostDispatcher]:
    """Every site, for all tests that need no settings of their own."""
    with sites_with() as sites:
        yield sites


def portal_of(web: HostDispatcher) -> Flask:
    """The portal's own application."""
    portal = web.sites[SiteKind.PORTAL]
    assert isinstance(portal, Flask)
    return portal


def console_of(web: HostDispatcher) -> Flask:
    """The console's own application."""
    console = web.sites[SiteKind.CONSOLE]
    assert isinstance(console, Flask)
    return console


MakeAgency = Callable[..., Agency]


@pytest.fixture
def make_agency(app: Flask, web: HostDispatcher, vacancies: Vacancies) -> Iterator[MakeAgency]:
    """A factory of agencies whose portal is at portal.<key>.localhost."""
    made: list[ResellerRef] = []

    def make(name: str = "Northwind Mail") -> Agency:
        key = f"w{uuid4().hex[:10]}"
        hosts = {purpose: f"{purpose.replace('_', '-')}.{key}.localhost" for purpose in HostPurpose}
        new = NewReseller(ResellerKey(key), name, f"first@{key}.example", hosts)
        ref = vacancies.make(db.session(), new).reseller
        made.append(ref)
        with tenant_session(ref) as session:
            main = _furnish(session, ref, main_account(session), "main")
            customers = [
                _furnish(
                    session, ref, create_sub_account(session, NewAccount(f"{which} Shop")), which.lower()
                )
                for which in ("Contoso", "Fabrikam")
            ]
            session.commit()
        return Agency(ref, name, hosts[HostPurpose.PORTAL], main, *customers)

    yield make
    db.session.rollback()
    for reseller in made:
        vacancies.leave(reseller)


@pytest.fixture
def agency(make_agency: MakeAgency) -> Agency:
    return make_agency()


@pytest.fixture
def visitor(web: HostDispatcher, agency: Agency) -> Visitor:
    """Somebody at the agency's portal who has not logged in."""
    return Visitor(web, agency.portal)


@pytest.fixture
def owner(web: HostDispatcher, agency: Agency) -> Visitor:
    """An owner of the agency's main account, logged in."""
    return Visitor(web, agency.portal).log_in(agency.main.owner)


@pytest.fixture
def customer(web: HostDispatcher, agency: Agency) -> Visitor:
    """An owner of the agency's first customer, logged in."""
    return Visitor(web, agency.portal).log_in(agency.customer.owner)


@pytest.fixture
def staff(app: Flask, web: HostDispatcher) -> Visitor:
    """One of the platform's staff, logged in to the console."""
    email = f"{uuid4().hex[:8]}@platform.example"
    add_staff(db.session(), email, "Ada", PASSWORD)
    db.session.commit()
    return Visitor(web, settings().platform_host).log_in(email)


def send(
    tenant: Tenant,
    *subjects: str,
    rcpt_to: tuple[str, ...] = ("someone@example.org",),
    verdict: Verdict = Verdict.ACCEPTED,
) -> list[MessageId]:
    """Hand the account's messages in through the relay's own door; all must get this verdict."""
    clock = SystemClock()
    batch = [
        Submission(
            message_id=new_message_id(clock.now()),
            reseller_id=tenant.reseller.id,
            account_id=tenant.id,
            smtp_account_id=tenant.smtp_account,
            received_at=clock.now(),
            mail_from=f"bounces@{tenant.domain_name}",
            rcpt_to=rcpt_to,
            header_from=f"hello@{tenant.domain_name}",
            subject=subject,
            message_id_header="<1@example.org>",
            smtputf8=False,
            body_8bit=False,
            client_address="203.0.113.7",
            client_helo="app.example.org",
            tls_version="TLSv1.3",
            raw=b"Subject: x\r\n\r\nx\r\n",
        )
        for subject in subjects
    ]

    async def ingest() -> list[Verdict]:
        async with await open_pool(settings(), size=1) as pool:
            verdicts = await PostgresDoor(pool, clock).ingest(batch)
            await PostgresClaims(pool, settings()).post()
            return verdicts

    assert set(_in_a_loop_of_its_own(ingest())) <= {verdict}
    return [one.message_id for one in batch]


Outcome = Callable[[Claimed], Result]


def deliver(outcome: Outcome) -> None:
    """Claim whatever is due and record what `outcome` makes of each, through the workers' own door."""

    async def work() -> None:
        async with await open_pool(settings(), size=1) as pool:
            claims = PostgresClaims(pool, settings())
            while claimed := await claims.claim(500):
                await claims.finish([outcome(one) for one in claimed])
            await claims.post()

    _in_a_loop_of_its_own(work())


T = TypeVar("T")


def _in_a_loop_of_its_own(work: Coroutine[object, object, T]) -> T:
    """Run `work` to its end in another thread: Playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def delivered(claimed: Claimed) -> Result:
    return _result(claimed, RecipientState.DELIVERED, None, 250, "2.0.0", "OK queued as 12345")


def bounced(claimed: Claimed) -> Result:
    return _result(claimed, RecipientState.BOUNCED, BounceKind.HARD, 550, "5.1.1", "No such user <b>here</b>")


def _result(
    claimed: Claimed, state: RecipientState, kind: BounceKind | None, code: int, enhanced: str, text: str
) -> Result:
    return Result(
        reseller_id=claimed.reseller_id,
        message_id=claimed.message_id,
        n=claimed.n,
        at=SystemClock().now(),
        state=state,
        bounce_kind=kind,
        reply_code=code,
        enhanced_code=enhanced,
        reply_text=text,
        remote_host="mx.example.org",
        remote_address="198.51.100.25",
        tls_version="TLSv1.3",
        duration_ms=184,
        next_at=None,
    )


def _furnish(session: Session, ref: ResellerRef, account: Account, name: str) -> Tenant:
    domain_name = f"{name}-{uuid4().hex[:6]}.example"
    login = create_smtp_account(session, account.id, "Web shop", verifier=SecretVerifier(_secret_key()))
    domain = Domain(account_id=account.id, name=domain_name)
    session.add(domain)
    session.flush()
    made = _one_key()
    key = DkimKey(domain_id=domain.id, selector="s1", state=KeyState.ACTIVE, public_key=made.public_key)
    key.sealed_key = made.sealed_key
    session.add(key)
    grant_credits(session, account, 1000, clock=SystemClock())
    people = {role: f"{role}-{uuid4().hex[:6]}@{domain_name}" for role in Role}
    for role, email in people.items():
        session.add(User(account_id=account.id, email=email, role=role, password_hash=_one_hash()))
    session.flush()
    return Tenant(
        reseller=ref,
        id=account.id,
        owner=people[Role.OWNER],
        member=people[Role.MEMBER],
        smtp_account=login.smtp_account.id,
        user_name=login.smtp_account.user_name,
        domain=domain.id,
        domain_name=domain_name,
    )


# Hashing a password and making an RSA key take longer than all the rest of an agency: all have the same.


@cache
def _one_hash() -> str:
    return hash_password(PASSWORD)


@cache
def _one_key() -> GeneratedKey:
    return generate_key(Seal(_secret_key()))


def _secret_key() -> str:
    return settings().secret_key.get_secret_value()
