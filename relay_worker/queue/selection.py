"""Which recipients of the queue are meant, by a pause or by a tool."""

from dataclasses import dataclass

from platform_core.errors import InvalidInput
from platform_core.ids import AccountId, MessageId, ResellerId


@dataclass(frozen=True, slots=True)
class Selection:
    """Those that fit everything that is given. An account is one of `reseller_id`; `n` is a recipient of `message_id`.

    `sender_domain` is that of the header From, `rcpt_domain` the recipient's, both in lower-case A-labels; `lane` is the
    queue's number for a destination.
    """

    reseller_id: ResellerId | None = None
    account_id: AccountId | None = None
    sender_domain: str | None = None
    rcpt_domain: str | None = None
    lane: int | None = None
    message_id: MessageId | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        """Raises InvalidInput: a selection that means everything is a slip, and half a name means nothing."""
        if not any(value is not None for value in self.values()):
            raise InvalidInput("selection", "Say which part of the queue is meant.")
        if self.account_id is not None and self.reseller_id is None:
            raise InvalidInput("account", "An account needs its reseller named too.")
        if self.n is not None and self.message_id is None:
            raise InvalidInput("recipient", "A recipient needs its message named too.")

    def values(self) -> tuple[object, ...]:
        """In the order of the database's type relay.selection."""
        return (
            self.reseller_id, self.account_id, self.sender_domain, self.rcpt_domain, self.lane, self.message_id, self.n,
        )  # fmt: skip
