"""The one table from what happened to what an SMTP client is told: code, enhanced code (RFC 3463, RFC 5248), sentence."""

from collections.abc import Mapping

from platform_core import errors
from platform_core.mail.replies import Reply
from relay_worker.queue.door import Verdict


class Refused(Exception):
    """The command at hand is answered with `reply` and has no other effect; `ends`: the session is over after it."""

    def __init__(self, reply: Reply, *, ends: bool = False) -> None:
        super().__init__(reply.line())
        self.reply = reply
        self.ends = ends


def wire(reply: Reply) -> bytes:
    """The reply as it goes over the wire. Sentences are one line; addresses in them may be UTF-8 (RFC 6531 3.7.4.1)."""
    return reply.line().encode() + b"\r\n"


OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient OK")
GO_AHEAD = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
BYE = Reply(221, "2.0.0", "Bye")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
LOGGED_IN = Reply(235, "2.7.0", "Logged in")
WILL_NOT_VERIFY = Reply(
    252, "2.5.2", "Addresses are not verified here; mail for them is accepted and delivery tried"
)
HELP = Reply(214, "2.0.0", "This server speaks SMTP as RFC 5321 and RFC 6409 describe it")

NOT_SMTP_TEXT = Reply(500, "5.5.2", "Commands are printable text and end with CR LF")
LINE_TOO_LONG = Reply(500, "5.5.2", "The command line is too long")
AUTH_LINE_TOO_LONG = Reply(500, "5.5.6", "The authentication exchange line is too long")
COMMAND_UNKNOWN = Reply(500, "5.5.2", "This command is not known")
COMMAND_NOT_IMPLEMENTED = Reply(502, "5.5.1", "This command is not offered")
NO_ARGUMENT_WANTED = Reply(501, "5.5.4", "This command takes no argument")
HELO_NAME_WANTED = Reply(501, "5.5.4", "Say your own host name after the command")
MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
VRFY_SYNTAX = Reply(501, "5.5.4", "Syntax: VRFY <address>")
PARAMETER_VALUE = Reply(501, "5.5.4", "A parameter has a value that is not valid")
PARAMETER_UNKNOWN = Reply(555, "5.5.4", "A parameter is not known here")

KEPT = Reply(250, "2.0.0", "Thank you, we have it")
RELAYING_DENIED = Reply(
    550, "5.7.1", "Log in to send mail; without a login this server takes mail for its own addresses only"
)
NO_SUCH_INBOUND_ADDRESS = Reply(550, "5.1.1", "There is no such address here")

GREET_FIRST = Reply(503, "5.5.1", "Send EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
RCPT_FIRST = Reply(503, "5.5.1", "Send RCPT first")
NESTED_MAIL = Reply(503, "5.5.1", "A message is already begun; send RSET to drop it")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
AHEAD_OF_REPLY = Reply(421, "4.7.0", "Input came ahead of the reply it depends on; closing the connection")

TLS_ALREADY = Reply(503, "5.5.1", "TLS is already in use")
ENCRYPT_FIRST = Reply(538, "5.7.11", "Start TLS before you log in")
LOG_IN_FIRST = Reply(530, "5.7.0", "Log in first")
ENCRYPT_AND_LOG_IN_FIRST = Reply(530, "5.7.0", "Start TLS and log in first")
LOGIN_IN_TRANSACTION = Reply(503, "5.5.1", "A message is already begun; log in before it")
LOGGED_IN_ALREADY = Reply(503, "5.5.1", "You are already logged in")
MECHANISM_UNKNOWN = Reply(504, "5.5.4", "Use AUTH PLAIN or AUTH LOGIN")
AUTH_SYNTAX = Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial response]")
AUTH_CANCELLED = Reply(501, "5.7.0", "The login was cancelled")
AUTH_NOT_BASE64 = Reply(501, "5.5.2", "The response can't be decoded")
AUTH_FAULT = Reply(454, "4.7.0", "Logins can't be checked for the moment, please try again later")

ADDRESS_NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "An address outside ASCII needs the SMTPUTF8 parameter of MAIL")
TOO_MANY_RECIPIENTS = Reply(
    452, "4.5.3", "Too many recipients; send the message again to those that are left"
)
MESSAGE_TOO_LARGE = Reply(552, "5.3.4", "The message is larger than this server takes")
HEADER_TOO_LARGE = Reply(552, "5.3.4", "The header of the message is larger than 256 KB")
BARE_LINE_END = Reply(
    554, "5.6.0", "The message has a bare CR or LF; lines must end with CR LF (RFC 5321 2.3.8)"
)
NUL_IN_MESSAGE = Reply(554, "5.6.0", "The message has a NUL octet (RFC 5321 4.5.2)")
HEADER_MALFORMED = Reply(
    550, "5.6.0", "The header of the message has a line that is not a field (RFC 5322 2.2)"
)
ONE_FROM_WANTED = Reply(550, "5.6.0", "The message needs exactly one From field with exactly one address")
MAIL_LOOP = Reply(554, "5.4.6", "The message has passed too many servers; this is a mail loop")
OUT_OF_MEMORY = Reply(452, "4.3.1", "The server is too busy for this message, please try again later")

IDLE_TOO_LONG = Reply(421, "4.4.2", "Nothing was heard for too long; closing the connection")
SESSION_TOO_LONG = Reply(421, "4.4.2", "The connection has lasted too long; please open another")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors; closing the connection")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands without a message; closing the connection")
TOO_MANY_FROM_ADDRESS = Reply(421, "4.7.0", "Too many connections from your address, please try again later")
TOO_MUCH_FROM_ADDRESS = Reply(
    421, "4.7.0", "Too much mail from your address, please try again in ten minutes"
)
TOO_MANY_OF_ACCOUNT = Reply(421, "4.7.0", "Too many connections of this account, please try again later")
SERVER_BUSY = Reply(421, "4.3.2", "The server is busy, please try again later")
GOING_DOWN = Reply(421, "4.3.2", "The server is going down for a moment, please try again")
TEMPORARY_FAULT = Reply(451, "4.3.0", "Temporary fault, please try again later")

RESELLER_SUSPENDED = Reply(550, "5.7.13", "This mail service is suspended; please ask its provider")
ACCOUNT_SUSPENDED = Reply(525, "5.7.13", "This account is suspended")
CREDENTIAL_SUSPENDED = Reply(535, "5.7.13", "This SMTP account is suspended")
CAP_REACHED = Reply(550, "5.4.5", "The sending limit of this account is reached for this month")
DAILY_CAP_REACHED = Reply(550, "5.4.5", "The sending limit of this account is reached for today")
RATE_REACHED = Reply(
    450, "4.7.0", "This account sends faster than it may for the moment, please try again in a minute"
)
CREDITS_EXHAUSTED = Reply(
    550, "5.7.0", "The plan and the credits of this account do not cover these recipients"
)
RECIPIENTS_SUPPRESSED = Reply(550, "5.2.1", "Every recipient is on the suppression list of this account")

REFUSALS: Mapping[Verdict, Reply] = {
    Verdict.RESELLER_SUSPENDED: RESELLER_SUSPENDED,
    Verdict.ACCOUNT_SUSPENDED: ACCOUNT_SUSPENDED,
    Verdict.CREDENTIAL_SUSPENDED: CREDENTIAL_SUSPENDED,
    Verdict.CAP_REACHED: CAP_REACHED,
    Verdict.DAILY_CAP_REACHED: DAILY_CAP_REACHED,
    Verdict.RATE_REACHED: RATE_REACHED,
    Verdict.CREDITS_EXHAUSTED: CREDITS_EXHAUSTED,
    Verdict.RECIPIENTS_SUPPRESSED: RECIPIENTS_SUPPRESSED,
    Verdict.TEMPORARY_FAULT: TEMPORARY_FAULT,
}

ERRORS: Mapping[type[errors.FrankpostError], Reply] = {
    errors.SettingsInvalid: TEMPORARY_FAULT,
    errors.ServerUnreachable: TEMPORARY_FAULT,
    errors.Unavailable: TEMPORARY_FAULT,
    errors.NotFound: Reply(550, "5.1.0", "What the message names does not exist"),
    errors.AlreadyExists: Reply(550, "5.5.0", "What the message asks for exists already"),
    errors.InvalidInput: Reply(550, "5.6.0", "The message has a value that can't be taken"),
    errors.ResellerSuspended: RESELLER_SUSPENDED,
    errors.AccountSuspended: ACCOUNT_SUSPENDED,
    errors.CredentialSuspended: CREDENTIAL_SUSPENDED,
    errors.CredentialsRejected: Reply(535, "5.7.8", "User name or password is wrong"),
    errors.SenderNotVerified: Reply(
        550, "5.7.1", "The sender's domain is not a verified sending domain of this account"
    ),
    errors.CapReached: CAP_REACHED,
    errors.InsufficientCredits: CREDITS_EXHAUSTED,
    errors.RecipientsSuppressed: RECIPIENTS_SUPPRESSED,
    # Nobody pays over SMTP: if one of these ever comes up there, it is a fault of ours.
    errors.InsufficientFunds: TEMPORARY_FAULT,
    errors.NotForSale: TEMPORARY_FAULT,
    errors.PaymentsOff: TEMPORARY_FAULT,
    errors.PaymentDeclined: TEMPORARY_FAULT,
    errors.EventRejected: TEMPORARY_FAULT,
    errors.TaxProfileMissing: TEMPORARY_FAULT,  # no business of mail
    errors.LimitReached: TEMPORARY_FAULT,  # nor is making things
    errors.TooManyAttempts: Reply(421, "4.7.0", "Too many failed logins, please wait ten minutes"),
}


def held(message_id: object) -> Reply:
    """The 250 of a message that waits for quota; as durable as any."""
    return Reply(250, "2.0.0", f"Held as {message_id} until the quota of this account covers it")


def reply_to(error: Exception) -> Reply:
    """What the client is told of `error`. Anything that the table does not know is a fault of ours, and temporary."""
    if isinstance(error, errors.SenderNotVerified):
        return Reply(550, "5.7.1", str(error))
    if isinstance(error, errors.FrankpostError):
        return ERRORS.get(type(error), TEMPORARY_FAULT)
    return TEMPORARY_FAULT


def accepted(message_id: object) -> Reply:
    """The 250 that means durable."""
    return Reply(250, "2.0.0", f"Accepted as {message_id}")
