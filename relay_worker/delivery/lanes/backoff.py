"""How a lane gives way when a server complains, and how it comes back by itself."""

from dataclasses import replace
from datetime import datetime, timedelta

from relay_worker.bounces.throttle import Strain, Throttle
from relay_worker.delivery.retry import bounded_hint
from relay_worker.queue.traffic_desk import LaneState
from relay_worker.traffic.rules import Reaction

# A server that is merely busy may be back soon; one that complains of us wants to be left alone. Google's guidelines
# ask for ten minutes at least.
FIRST_PAUSE = {
    Strain.BUSY: timedelta(minutes=1),
    Strain.RATE: timedelta(minutes=10),
    Strain.REPUTATION: timedelta(minutes=10),
}
LONGEST_PAUSE = timedelta(hours=2)
WIDEN_AFTER = timedelta(minutes=1)  # without a complaint; then one connection more
FEW = 10  # deliveries for each throttle: with more of them it is not the lane that the server complains of
IN_A_ROW = 3  # throttles without a delivery in between, on one connection: then it is time for a pause
PROOF = 5  # deliveries after a pause that show that the server has forgiven us
REASON_CHARACTERS = 300


class BackOff:
    """The state of one lane. Every method that may change it says at which moment it is called.

    Complaints halve the connections of all workers together, down to one; then come pauses of 10, 20, 40 minutes and so
    on, up to two hours. A server's own word on how long, or a rule's reaction, goes before that.
    """

    def __init__(self, state: LaneState) -> None:
        self.state = state
        self._delivered = 0  # since the last pause began
        self._in_a_row = 0
        self._good = 0.0
        self._bad = 0.0

    @property
    def eased(self) -> bool:
        """True when nothing is held back."""
        state = self.state
        return state.connections is None and state.closed_until is None and state.per_minute is None

    def adopt(self, state: LaneState, *, known: bool) -> None:
        """What others have found out later than we, or a closure that is longer than ours.

        `known`: our state was known to them, so that a lane they open is meant to be open.
        """
        ours = self.state
        if state.closed_until is not None and state.closed_until <= state.changed_at:
            # It was over when that was said, and is kept there only because nobody shortens what another has closed.
            state = replace(state, closed_until=None)
        longer = max(filter(None, (ours.closed_until, state.closed_until)), default=None)
        if state.changed_at > ours.changed_at:
            self.state = state if known else replace(state, closed_until=longer)
        elif longer != ours.closed_until:
            self.state = replace(ours, closed_until=longer)

    # --- it goes well ---

    def went_through(self) -> None:
        """One message did."""
        self._in_a_row = 0
        self._delivered += 1
        self._good += 1
        self._fade()

    def recover(self, now: datetime, most: int) -> None:
        """To be called after each message that went through while something is held back.

        A minute after the last change, or the end of a pause, there is one connection more, up to `most`.
        """
        if self.state.step and self._delivered >= PROOF:
            self.state = replace(self.state, step=0)
        since = max(self.state.changed_at, self.state.closed_until or self.state.changed_at)
        if now - since >= WIDEN_AFTER and not self._paced(now):
            self._widen(now, most)

    def _widen(self, now: datetime, most: int) -> None:
        connections = (self.state.connections or most) + 1
        self._change(
            now,
            connections=None if connections >= most else connections,
            closed_until=None,
            per_minute=None,
            per_minute_until=None,
        )

    def _paced(self, now: datetime) -> bool:
        return self.state.per_minute_until is not None and now < self.state.per_minute_until

    # --- the server complains ---

    def reacted(self, reaction: Reaction, now: datetime, reason: str) -> None:
        """A reply said what a rule has a reaction for."""
        if self._closed(now):
            return
        hold = timedelta(seconds=reaction.hold_seconds)
        self._change(
            now,
            reason=reason,
            connections=1,
            per_minute=reaction.messages_per_minute,
            per_minute_until=now + hold if reaction.messages_per_minute else None,
        )
        if reaction.pause_seconds:
            self._pause(now, timedelta(seconds=reaction.pause_seconds))

    def turned_away(self, now: datetime, reason: str, working: int) -> None:
        """No more connections than the `working` ones of all workers were taken: so many the server bears."""
        if self._closed(now):
            return
        self._change(now, reason=reason, connections=max(1, working))

    def shut_out(self, throttle: Throttle, now: datetime, reason: str) -> None:
        """Not one connection was taken."""
        if self._closed(now):
            return
        self._change(now, reason=reason, connections=1)
        self._pause(now, FIRST_PAUSE[throttle.strain], throttle.wait)

    def throttled(self, now: datetime, *, began: datetime) -> bool:
        """A reply to what `began` then complained of the lane; True when that says something new."""
        self._bad += 1
        self._fade()
        self._in_a_row += 1
        return not (self._closed(now) or self._good > FEW * self._bad or self._knew(began))

    def give_way(self, throttle: Throttle, now: datetime, reason: str, *, left: int) -> None:
        """After such a complaint. `left`: the connections that all workers together keep; 0: there was but one."""
        if self._closed(now):
            return
        if throttle.wait is not None:
            self.shut_out(throttle, now, reason)
        elif left:
            self._change(now, reason=reason, connections=min(left, self.state.connections or left))
        elif self._in_a_row >= IN_A_ROW:
            self._change(now, reason=reason, connections=1)
            self._pause(now, FIRST_PAUSE[throttle.strain])
        else:
            self._change(now, reason=reason, connections=1)

    def _pause(self, now: datetime, first: timedelta, wait: timedelta | None = None) -> None:
        """Twice as long each time, unless the server has named a time."""
        if wait is not None:
            pause = bounded_hint(wait)
        else:
            pause = max(first, min(first * 2**self.state.step, LONGEST_PAUSE))
        step = min(self.state.step + 1, 10)
        self._in_a_row = self._delivered = 0
        self.state = replace(self.state, closed_until=now + pause, step=step)

    def _closed(self, now: datetime) -> bool:
        """What was under way when the lane closed says nothing new."""
        return self.state.closed_until is not None and now < self.state.closed_until

    def _knew(self, began: datetime) -> bool:
        """What began before the last step back can't be an answer to it."""
        return not self.eased and began < self.state.changed_at

    def _change(self, now: datetime, **values: object) -> None:
        if "reason" in values:
            values["reason"] = str(values["reason"])[:REASON_CHARACTERS]
        self.state = replace(self.state, changed_at=now, **values)  # type: ignore[arg-type]

    def _fade(self) -> None:
        """What happened some 50 messages ago hardly counts."""
        if self._good + self._bad > 50:
            self._good, self._bad = self._good / 2, self._bad / 2
