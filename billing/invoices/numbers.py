"""Numbers without a gap: a series is locked until whoever took its next number has committed, or failed."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from billing.invoices.books import books_of


@dataclass(frozen=True, slots=True)
class Taken:
    """A number of a series, and the day of its invoice: never before that of the number before it."""

    number: int
    on: date


def lock_series(session: Session, name: str, on: date) -> None:
    """Wait until nobody else is issuing in this series, and keep others waiting until the transaction ends.

    Whoever holds the lock and then looks sees every invoice of the series, since each statement sees what is committed.
    """
    series = books_of(session).series
    session.execute(insert(series).values(name=name, last_date=on).on_conflict_do_nothing())
    session.execute(select(series.name).where(series.name == name).with_for_update())


def take_number(session: Session, name: str, on: date) -> Taken:
    """The next number; only under `lock_series`. A rollback gives it back."""
    series = books_of(session).series
    number, day = session.execute(
        update(series)
        .where(series.name == name)
        .values(last_number=series.last_number + 1, last_date=func.greatest(series.last_date, on))
        .returning(series.last_number, series.last_date)
        .execution_options(synchronize_session=False)
    ).one()
    return Taken(number, day)
