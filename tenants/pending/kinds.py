"""What a reseller may have to do, for the jobs that run often. `has_work` (`tenant/pending_work.sql`) says of each what it is."""

from enum import StrEnum


class Work(StrEnum):
    """Comes with something that is written, and the database notes it then, in `relay.pending_work`."""

    NOTICES = "notices"  # delivery reports that senders have asked for and that are not sent yet
    INVOICES = "invoices"  # that are to be e-mailed
    TOP_UPS = "top_ups"  # automatic ones in force, or under way
    STOPPED_TOP_UPS = "stopped_top_ups"  # whose owners are to be told
    DELIVERIES = "deliveries"  # of what was paid for


class TimelyWork(StrEnum):
    """Comes with time, when nothing is written: it has to be looked for."""

    PLANS = "plans"  # whose period is over, or not paid
    RENTALS = "rentals"  # of addresses, and orders that follow them
