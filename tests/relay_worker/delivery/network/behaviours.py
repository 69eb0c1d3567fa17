"""Everything that mail servers do to a sender, and what must become of the mail."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platform_core.mail.states import RecipientState
from tests.relay_worker.delivery.network.certificates import expired, wrong_name
from tests.relay_worker.scripted_mx import DROP, RESET, SILENCE, TAKEN, Script

DELIVERED, DEFERRED, BOUNCED = RecipientState.DELIVERED, RecipientState.DEFERRED, RecipientState.BOUNCED
TLS = Callable[[Path], ssl.SSLContext]

OVERLONG = "250 " + "x" * 5000
ENDLESS = "\r\n".join(["250-and so on"] * 3000)
STEPS = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA")


@dataclass(frozen=True)
class Behaviour:
    """One row of the table: what the server does, and what the first attempt comes to.

    `code` and `says` are in every recipient's result. What was deferred is tried again at a server that has come to
    its senses: `copies` is how often it then got the message. `seconds`: how long we wait for each reply.
    """

    name: str
    script: Script
    state: RecipientState
    code: int
    says: str = ""
    copies: int = 1
    tls: TLS | None = None
    secured: bool = False
    seconds: float = 5.0


def delivered(name: str, script: Script, **more: object) -> Behaviour:
    return Behaviour(name, script, DELIVERED, 250, **more)  # type: ignore[arg-type]


def deferred(name: str, code: int, script: Script, says: str = "", **more: object) -> Behaviour:
    return Behaviour(name, script, DEFERRED, code, says, **more)  # type: ignore[arg-type]


def bounced(name: str, code: int, script: Script, says: str = "") -> Behaviour:
    return Behaviour(name, script, BOUNCED, code, says, copies=0)


def at(verb: str, reply: str) -> Script:
    return Script(replies={verb: reply})


TAKES_IT = (
    delivered("takes all", Script()),
    delivered("offers no extension", Script(extensions=())),
    delivered("offers no pipelining and minds it", Script(extensions=("8BITMIME", "SIZE 1000000"))),
    delivered("knows HELO alone", at("EHLO", "502 5.5.1 what?")),
    delivered("is slow at each step", Script(delays={"*": 0.05})),
    delivered("dribbles its replies", Script(dribble=0.001)),
    delivered("greets with many lines", at("GREETING", "220-mx.test\r\n220-no spam\r\n220 please")),
    delivered("ends its lines in LF alone", at("MAIL", "250-2.1.0 a\n250 2.1.0 ok")),
    delivered("says no text", at("MAIL", "250")),
    delivered("answers 251 to a recipient", at("RCPT", "251 2.1.5 will forward")),
    delivered("takes one recipient at a time", Script(max_recipients=1)),
    delivered("drops after its last word", at("FINAL", "250 2.0.0 taken" + DROP)),
    delivered("answers for each recipient, like LMTP", at("FINAL", "250 2.1.5 a ok\r\n250 2.1.5 b ok")),
    delivered("ends the session after each message", Script(messages_per_connection=1)),
)

PUTS_OFF = (
    deferred("says later at MAIL", 451, at("MAIL", "451 4.3.0 later"), "later"),
    deferred("says later at RCPT", 450, at("RCPT", "450 4.2.0 busy"), "busy"),
    deferred("says later at DATA", 451, at("DATA", "451 4.3.0 later"), "later"),
    deferred("says later at the end", 451, at("FINAL", "451 4.3.0 disk full"), "disk full"),
    deferred("greylists", 451, Script(greylist=True), "greylisted"),
    deferred("limits the rate at RCPT", 421, at("RCPT", "421 4.7.28 unusual rate"), "unusual rate"),
    deferred("limits the rate at MAIL", 451, at("MAIL", "451 4.7.500 Server busy"), "busy"),
    deferred("defers by reputation", 421, at("GREETING", "421 4.7.0 [TSS04] deferred"), "TSS04"),
    deferred("storms at its banner", 421, at("GREETING", "421 4.3.2 too many connections"), "too many"),
    deferred("storms at MAIL", 421, at("MAIL", "421 4.3.2 shutting down"), "shutting down"),
    deferred("asks for more where there is none", 451, at("FINAL", "354 go on"), "unexpected"),
)  # fmt: skip

REFUSES = (
    bounced("refuses the sender", 550, at("MAIL", "550 5.7.1 not you"), "not you"),
    bounced("knows no such user", 550, at("RCPT", "550 5.1.1 no such user"), "no such user"),
    bounced("refuses at DATA", 554, at("DATA", "554 5.7.1 not today"), "not today"),
    bounced("refuses the content", 554, at("FINAL", "554 5.7.1 spam"), "spam"),
    bounced("refuses at its banner", 554, at("GREETING", "554 5.7.1 you are listed"), "listed"),
    bounced("refuses in many lines", 550, at("RCPT", "550-5.1.1 no\r\n550 5.1.1 such user"), "no\nsuch user"),
)

BREAKS_OFF = (
    deferred("resets at once", 451, at("CONNECT", RESET), "connection was lost"),
    *(deferred(f"drops at {step}", 451, at(step, DROP), "connection was lost") for step in STEPS),
    deferred("drops in mid-body", 451, at("BODY", DROP), "connection was lost"),
    deferred("drops at the end and keeps nothing", 451, at("FINAL", DROP), "may have been delivered"),
    deferred("keeps it and drops", 451, at("FINAL", TAKEN + DROP), "may have been delivered", copies=2),
    deferred(
        "keeps it and says 421", 421, at("FINAL", TAKEN + "421 4.3.2 going down"), "going down", copies=2
    ),
    *(
        deferred(f"is silent at {step}", 451, at(step, SILENCE), "did not answer in time", seconds=0.3)
        for step in STEPS
    ),
    deferred(
        "keeps it and is silent", 451, at("FINAL", TAKEN + SILENCE), "may have been", copies=2, seconds=0.3
    ),
)

TALKS_NONSENSE = (
    *(deferred(f"says garbage at {step}", 451, at(step, "hello, world"), "not an SMTP") for step in STEPS),
    deferred("says a line without end", 451, at("MAIL", OVERLONG), "not an SMTP reply"),
    deferred("says lines without end", 451, at("MAIL", ENDLESS), "octets"),
    deferred("changes its code between lines", 451, at("MAIL", "250-ok\r\n550 no"), "different codes"),
    deferred("speaks twice", 451, at("MAIL", "250 ok\r\n250 ok"), "unexpected reply"),
    deferred("speaks twice in a dialogue", 451, Script((), {"MAIL": "250 ok\r\n250 ok"}), "out of turn"),
)

BREAKS_TLS = (
    delivered("talks garbage for TLS", Script(tls_broken=True)),
    delivered("has an expired certificate", Script(), tls=expired, secured=True),
    delivered("has another's certificate", Script(), tls=wrong_name, secured=True),
    delivered("refuses STARTTLS", Script(replies={"STARTTLS": "454 4.7.0 not now"}), tls=expired),
    delivered("drops at STARTTLS", Script(replies={"STARTTLS": DROP}), tls=expired),
    delivered("drops in the handshake", Script(replies={"STARTTLS": "220 go" + DROP}), tls=expired),
    delivered(
        "is silent in the handshake", Script(replies={"STARTTLS": "220 go" + SILENCE}), tls=expired, seconds=1
    ),
)

BEHAVIOURS = (*TAKES_IT, *PUTS_OFF, *REFUSES, *BREAKS_OFF, *TALKS_NONSENSE, *BREAKS_TLS)
