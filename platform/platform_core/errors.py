"""Errors of the whole house, named by what happened. They carry data and know no protocol.

Each edge owns a table from these to its own words: `relay_worker/submission/replies.py` for SMTP,
`whitelabel/http_errors.py` for HTTP, `platform_web/cli.py` for the command line.
"""

from datetime import datetime


class FrankpostError(Exception):
    """Anything that the product refuses or cannot do, with a sentence for the person who asked."""


class SettingsInvalid(FrankpostError):
    """The environment lacks a setting or holds a wrong one. `problems`: a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(
            "The settings are not complete:\n" + "\n".join(f"  {problem}" for problem in problems)
        )
        self.problems = problems


class ServerUnreachable(FrankpostError):
    """Postgres, Redis or another server we depend on does not answer, or is of the wrong version."""


class NotFound(FrankpostError):
    """The thing asked for does not exist here, or not for the one who asks."""


class AlreadyExists(FrankpostError):
    """The name is taken."""


class InvalidInput(FrankpostError):
    """A value that cannot be taken. `field` names it as the person sees it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class ResellerSuspended(FrankpostError):
    """The reseller may not send or log in."""


class AccountSuspended(FrankpostError):
    """The account may not send."""


class CredentialSuspended(FrankpostError):
    """The SMTP account may not log in."""


class CredentialsRejected(FrankpostError):
    """User name or secret are wrong; which of them is never said."""


class SenderNotVerified(FrankpostError):
    """The sender's domain is not a verified domain of the account."""

    def __init__(self, domain: str) -> None:
        super().__init__(f"{domain} is not a verified sending domain of this account.")
        self.domain = domain


class CapReached(FrankpostError):
    """The account's monthly cap leaves no room for these recipients."""


class InsufficientCredits(FrankpostError):
    """Plan quota and credits together do not cover these recipients."""

    def __init__(self, balance: int, needed: int) -> None:
        super().__init__(f"{needed} credits are needed and {balance} are left.")
        self.balance = balance
        self.needed = needed


class RecipientsSuppressed(FrankpostError):
    """Every recipient of the message is on the account's suppression list."""


class TooManyAttempts(FrankpostError):
    """Too many tries in too short a time. `retry_at`: when the next one counts again, if known."""

    def __init__(self, retry_at: datetime | None = None) -> None:
        super().__init__("Too many attempts. Please wait a few minutes and try again.")
        self.retry_at = retry_at


class InsufficientFunds(FrankpostError):
    """The wallet does not hold as much. Both amounts are minor units of `currency`."""

    def __init__(self, balance: int, needed: int, currency: str) -> None:
        super().__init__("The wallet does not hold enough money for this.")
        self.balance = balance
        self.needed = needed
        self.currency = currency


class NotForSale(FrankpostError):
    """There is no price for it, or whoever sells it can't take payments yet."""


class PaymentsOff(FrankpostError):
    """No payment service is set up on this installation."""


class PaymentDeclined(FrankpostError):
    """The bank has said no. `code` is the payment service's word for why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class EventRejected(FrankpostError):
    """What came in as the payment service's event does not bear its signature."""


class TaxProfileMissing(FrankpostError):
    """Nothing can be billed before the seller, or the buyer, has said who it is before the tax office."""


class LimitReached(FrankpostError):
    """The plan allows no more of `limit`, of which it allows `most`."""

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(f"The plan of this account allows {most} {limit} and no more.")
        self.limit = limit
        self.most = most


class Unavailable(FrankpostError):
    """A fault of ours; trying again later is right."""
