"""What the outcome of an attempt says about the address it came from."""

from platform_core.mail.states import RecipientState
from relay_worker.addresses.chooser import Landing
from relay_worker.bounces.classes import OutcomeClass

# Refusals of us, whoever the recipient is. Spam found in a message is about its sender, and left out.
_BLOCKS = frozenset({OutcomeClass.BLOCK_REPUTATION, OutcomeClass.REVERSE_DNS})
# Where nothing was said to anybody, nobody thinks anything of the address.
_UNSENT = frozenset({OutcomeClass.UNREACHABLE, OutcomeClass.DNS_TROUBLE, OutcomeClass.INTERNAL})
# RFC 5321 3.8: a server that sends us away says 421. Google's rate limits are 4.7.28 (in 421 and 450 replies).
_GO_AWAY = 421


def landing_of(state: RecipientState, outcome_class: str, reply_code: int) -> Landing:
    """One recipient's result as seen from the address.

    A deferral that is not about us (greylisting, a server's trouble) says nothing of the address; nor does the end of the
    last of them.
    """
    if state is RecipientState.DELIVERED:
        return Landing.DELIVERED
    if outcome_class in _UNSENT:
        return Landing.UNSENT
    if outcome_class in _BLOCKS:
        return Landing.BLOCKED
    if outcome_class == OutcomeClass.RATE_LIMITED or reply_code == _GO_AWAY:
        return Landing.THROTTLED
    return Landing.BOUNCED if state is RecipientState.BOUNCED else Landing.DEFERRED
