"""A door without a database that keeps the promises of the real one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from platform_core.errors import Unavailable
from platform_core.ids import AccountId, ResellerId, SmtpAccountId
from platform_core.security import SecretVerifier
from relay_worker.queue.door import Route, SmtpHostname, Submission, Verdict

SECRET_KEY = "a-secret-key-of-more-than-32-characters"
SECRET = "sesame-of-many-random-bits"


def make_route(user_name: str = "anna", **changes: object) -> Route:
    """The route of a customer who may send as example.org and example.com."""
    route = Route(
        user_name=user_name,
        reseller_id=ResellerId(1),
        reseller_active=True,
        account_id=AccountId(11),
        account_active=True,
        smtp_account_id=SmtpAccountId(111),
        credential_active=True,
        verifier=SecretVerifier(SECRET_KEY).verifier(SECRET),
        domains=frozenset({"example.org", "example.com", "xn--bcher-kva.example"}),
        smtp_host="smtp.agency.example",
    )
    return replace(route, **changes)  # type: ignore[arg-type]


@dataclass
class FakeDoor:
    """Keeps submissions in memory. `faults`: how many of the next calls of `ingest` fail before they write.

    `lost_answers`: how many of the next calls write and fail then, as when a connection dies during the commit.
    """

    routes: dict[str, Route] = field(default_factory=lambda: {"anna": make_route()})
    names: list[SmtpHostname] = field(default_factory=list)
    verdict: Verdict = Verdict.ACCEPTED
    faults: int = 0
    lost_answers: int = 0
    route_fault: Exception | None = None
    ingest_fault: Exception | None = None
    delay: float = 0.0
    stored: dict[UUID, Submission] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    @property
    def messages(self) -> list[Submission]:
        return list(self.stored.values())

    @property
    def only(self) -> Submission:
        (submission,) = self.stored.values()
        return submission

    async def route(self, user_name: str) -> Route | None:
        if self.route_fault is not None:
            raise self.route_fault
        return self.routes.get(user_name)

    async def hostnames(self) -> list[SmtpHostname]:
        return list(self.names)

    async def ingest(self, batch: Sequence[Submission]) -> list[Verdict]:
        self.batches.append(len(batch))
        await asyncio.sleep(self.delay)
        if self.ingest_fault is not None:
            raise self.ingest_fault
        if self.faults:
            self.faults -= 1
            raise Unavailable("The database is away.")
        if self.verdict is Verdict.ACCEPTED:
            self.stored |= {submission.message_id: submission for submission in batch}
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("The connection died during the commit.")
        return [self.verdict] * len(batch)
