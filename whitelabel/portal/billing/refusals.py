"""Saying on the next page why something could not be done."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import flash

from platform_core.errors import (
    AlreadyExists,
    InsufficientCredits,
    InsufficientFunds,
    InvalidInput,
    NotForSale,
    PaymentDeclined,
    PaymentsOff,
    TaxProfileMissing,
    Unavailable,
)
from whitelabel.portal.door import rows

_SPOKEN = (
    AlreadyExists,
    InsufficientCredits,
    InsufficientFunds,
    InvalidInput,
    NotForSale,
    PaymentDeclined,
    PaymentsOff,
    TaxProfileMissing,
    Unavailable,
)


@contextmanager
def refusals_told() -> Iterator[None]:
    """Do what is inside, or undo it and tell the reason; the view goes on either way."""
    try:
        yield
    except _SPOKEN as error:
        rows().rollback()
        flash(str(error), "bad")
