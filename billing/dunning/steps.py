"""The steps that an account is led over while it owes something."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Step(StrEnum):
    REMINDER = "reminder"
    GRACE = "grace"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True)
class Stage:
    """A step and how long after the one before it comes; for the first: after the day on which payment was due."""

    step: Step
    wait: timedelta


# One at a time, each after its own wait, however old the debt is when it is found: nobody is suspended unwarned.
POLICY = (
    Stage(Step.REMINDER, timedelta(days=1)),
    Stage(Step.GRACE, timedelta(days=6)),
    Stage(Step.SUSPENSION, timedelta(days=7)),
)
GRACE = POLICY[-1].wait


def stage_after(step: Step | None) -> Stage | None:
    """What follows; None after the last."""
    at = 0 if step is None else [stage.step for stage in POLICY].index(step) + 1
    return POLICY[at] if at < len(POLICY) else None
