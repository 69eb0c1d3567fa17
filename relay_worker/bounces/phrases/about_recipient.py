"""What servers say of the mailbox: gone, closed, locked, full, or not for us."""

import re

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.phrases.phrase import phrase

_WHO = r"(?:user(?:name|id)?|recipient|rcpt|mail[ -]?box|(?<!ip )(?<!host )(?<!server )(?<!from )(?<!dns )(?<!mx )(?<!client )address|account|e-?mail (?:address|account)|addressee|alias|customer|person|inbox|e-?mail name)"

# "mailbox server" and "user quota" are no mailbox and no user.
_ITSELF = r"(?! (?:server|command|format|permission|state|error|problem|store|quota|database|parameter|count|key|certificate|rule|filter|size|password|agent)s?\b)"

# The words between a mailbox and what is said of it: never over into the next line of the reply, "550 ...".
_BETWEEN = r"(?: (?![45]\d\d[ -])\S+)"

_NOT = r"(?:doe?s ?n[o']t|doesn?t|do ?n[o']t|do not|does not|did not|is not|isn't|was not|wasn't|could ?n[o']t be|could not be|cannot be|can't be|not|no longer)"

# Postfix has not heard yet whether there is such an address, or heard it from a server that may be wrong.
UNCONFIRMED = phrase(Class.RECIPIENT_UNCONFIRMED, r"unverified address")

# RFC 3463 X.2.2. Google's OverQuota, also with "and inactive": the address is there.
MAILBOX_FULL = phrase(
    Class.MAILBOX_FULL,
    r"(?:mail ?box|inbox|folder|mail ?dir|account|user|recipient)(?:'s)?(?: \S+){0,3} (?:is |are |was |has been |has |already )?(?:too )?(?:full\b|over[ -]?(?:the )?quota|exceed\w*)",
    r"over[ -]?quota",
    r"(?:exceed\w*|over|reached|beyond) (?:\w+ ){0,4}(?:storage|mailbox (?:size|quota|limit)|disk quota|quota)",
    r"quota (?:\w+ ){0,4}(?:exceed|full|reach|violat|overdrawn|over\b)",
    r"out of (?:storage|space|quota)",
    r"(?:insufficient|not enough|no) (?:\w+ ){0,3}(?:mailbox |user )?(?:storage|quota)(?! in system)(?: space)? (?:in|for|left|available|to)\b",
    r"mail(?:box)? ?quota|quotaexceed",
    r"mailfull",
    r"storage (?:limit|quota)",
    r"p=overquota\w*",
    r"too (?:many|much) (?:e-?mails?|mails?|messages) (?:on|in|stored)\b",
    r"(?:any|no) more (?:mail|messages)\b",
    r"maximum (?:\w+ )?number of messages",
    r"space (?:has |is |was |been ){0,2}(?:used up|not enough|available|exhausted)",
    r"disk quota",
    r"mailbox (?:\w+ )?(?:size )?limit",
    r"account .{0,20}over its",
    r"not enough (?:storage|space|room)",
    r"exhausted (?:\w+ ){0,3}(?:storage|space)",
    r"(?:user|recipient|mailbox|account) (?:has|does|is) (?:\w+ )?not (?:have |having )?enough",
)

# Words that mean that an address is gone only beside one enhanced code. Elsewhere they are said to senders who are blocked.
GONE_WITH = {
    "1.0": phrase(
        Class.NO_SUCH_ADDRESS, r"^(?:\W|\d|<>)*address rejected\W*(?:<>)?\W*$"
    ),  # Cisco's appliances
    # "Mailbox disabled" is believed where nothing else is said. Many say it of what they refuse for another reason.
    "2.1": phrase(
        Class.ADDRESS_DISABLED,
        r"^(?:\W|\d|<>)*(?:mailbox (?:is )?(?:not available|unavailable)|inactive|disabled)?\W*(?:<>)?\W*$",
    ),
    # Microsoft's directory-based edge blocking. "All recipient addresses", after the message, tells of none in particular.
    "4.1": phrase(Class.NO_SUCH_ADDRESS, r"recipient address rejected ?: access denied"),
    # Outlook.com has no such address, with its mark or host ("similar to 5.1.10"), Hotmail with three numbers. Others say
    # RFC 5321's sentence of whatever they refuse.
    "5.0": phrase(
        Class.NO_SUCH_ADDRESS,
        r"action not taken: mailbox unavailable(?: \(-?\d+:\d+:-?\d+\)|.{0,90}(?:\(s2017062302\)|outlook\.com))",
    ),
}

# Beside these words an address is only not to be found for the time being, whatever else is said of it.
PASSING = re.compile(
    r"temporar|(?:try|retry|again) later|unverified|unable to verify|(?:cannot|can't|could not) (?:be )?verif\w+|in progress"
    r"|(?:ldap|database|directory|backend) (?:\S+ )?(?:not found|error|fail\w*|unavailable|timed)"
    r"|transient|still trying|at the moment"
    r"|vorubergehend|temporaire|temporal|temporane|tijdelijk|tymczasow|временн|暂时|一時的"
)

# What is unknown, missing or switched off here is something else, though an address is named beside it.
SOMETHING_ELSE = re.compile(
    r"\bpublic key\b|(?:certificate|quota|permissions?|forwarding|relaying|access) (?:for|of|on) "
    r"|(?:state|format|rights) (?:of|on) "
    r"|unknown (?!address)(?:\w+ )?(?:error|problem|reason|state|failure)\b"
    r"|(?:fehler|erreur|error|errore|erro|fout|blad) (?:unbekannt|inconnu|desconocid|sconosciut|desconhecid|onbekend|nieznan)"
    r"|(?:unbekannter|onbekende|nieznany|неизвестн\w+) (?:fehler|fout|blad|ошибк)"
)

ADDRESS_SUSPENDED = phrase(
    Class.ADDRESS_SUSPENDED,
    rf"{_WHO}(?: \S+){{0,4}} (?:is |has been |was )?(?:currently |temporar(?:y|ily) )?(?:suspended|locked|frozen|blocked|on hold|quarantined|restricted|limited|expired|overdue)\b",
    rf"(?:expired|suspended|locked|frozen) (?:\w+ )?{_WHO}",
    rf"temporar(?:y|ily) (?:disabled|suspended|locked|blocked|unavailable|inactive) {_WHO}",
    rf"{_WHO}(?: \S+){{0,4}} temporar(?:y|ily) (?:disabled|unavailable|inactive|closed|not available)",
)

ADDRESS_DISABLED = phrase(
    Class.ADDRESS_DISABLED,
    rf"{_WHO}{_BETWEEN}{{0,4}}? (?:is |has been |was |been )?(?:\w+ )?(?<!has )(?<!message )(?<!mail )(?:disabled|deactivated|discontinued|closed|terminated|cancell?ed|removed|deleted|inactive|decommissioned)\b(?! (?:e-?mails?|mails?|receiv\w+|for)\b)",
    rf"\b(?:disabled|deactivated|inactive|closed|terminated|deleted|discontinued) (?:(?!by|from|for|to\b)\w+ )?{_WHO}",
    r"p=disableduser\w*",
    r"receiving (?:is )?disabled",
    r"tried to reach is (?:disabled|inactive)",
    r"(?:disabled|closed|deactivated|deleted) (?:due to|because of|for|after) (?:\w+ )?inactivity",
    rf"{_WHO}{_BETWEEN}{{0,3}} (?:is )?not active",
    r"not (?:an )?active (?:user|account|mailbox|address)",
    rf"(?:{_WHO}|<>){_BETWEEN}{{0,5}} (?:is |are )?no longer (?:active|available|in use|valid|used|in service|accept|exist|here|with|on|monitored)",
    r"no longer on (?:this |the )?server",
    r"no longer (?:works|employed|with (?:us|the company))",
)

# Somebody is there, but takes mail only from some: lists, families, people who answer a challenge first.
RESTRICTED = phrase(
    Class.RECIPIENT_REFUSED,
    r"white[ -]?list",
    r"allow(?:ed)?[ -]?list|(?:allowed|permitted) (?:recipients?|senders?)",
    r"only accepts?",
    r"members? only",
    r"not a (?:member|subscriber)\b(?! of domain)",
    r"\bambiguous\b",
    r"resolver\.rst\.|resolver\.adr\.(?!\w*(?:notfound|invalid|recip))",
    r"\bchallenge\b",
    r"confirm your",
    r"permission to (?:send|post|deliver)",
    r"recipient(?:'s)? preferences",
    r"(?:user|recipient) (?:has )?(?:refuses|declin|block)\w*",
    r"(?:not found|unknown|unavailable) or (?:access |permission )?(?:denied|refused|not allowed)",
    r"not (?:allowed|authorized|permitted) to (?:post|send) (?:\w+ )?(?:to|messages|mail)",
)

# RFC 3463 X.1.1. The words of Postfix, sendmail, Exim, qmail, Exchange, Google, Yahoo, Apple, Orange, mail.ru, Cisco.
NO_SUCH_ADDRESS = phrase(
    Class.NO_SUCH_ADDRESS,
    rf"\bno such (?:\w+ )?{_WHO}",
    rf"(?:unknown|non-?existent|nonexisting) (?:\w+ ){{0,2}}(?:local[- ]?part|{_WHO}{_ITSELF})",
    rf"{_WHO}(?:'s|e?s)?{_ITSELF}{_BETWEEN}{{0,3}}? (?:is |was |were )?(?:unknown|non-?exist\w*|unrecogni[sz]ed|unallocated|invalid)\b",
    rf"{_WHO}(?:'s|e?s)?{_ITSELF}{_BETWEEN}{{0,6}}? {_NOT} (?:\w+ )?(?:exist\w*|found|known|recogni[sz]ed|listed|registered|present|a (?:valid|known)|valid(?! for)|in use|(?:in|on) (?:this|our)|here|match|have (?:an?|any) \S+ (?:account|mailbox))",
    r"(?:no ?one|nobody) (?:\w+ )?(?:at|by|with) th(?:is|at)\b",
    rf"\b(?:invalid|bad|bogus|illegal|wrong|incorrect)[ -](?:\w+ ){{0,2}}{_WHO}{_ITSELF}(?!e?s\b)",
    rf"\b(?:no|not an?|isn't an?|is not an?|no valid) (?:(?!permitted|allowed|authori[sz]ed)\w+ )?{_WHO}s? (?:here|by that name|found|with that|of that|on|at|named|called|(?:available )?for|in|matches|exists)",
    rf"\bnot (?:an? )?(?:(?:valid|known|existing|active|recogni[sz]ed) (?:\w+ )?|registered ){_WHO}{_ITSELF}",
    r"\buser ?unknown",
    r"e-?mail (?:address )?(?:not exist|unknown)",
    r"unknownuser",
    r"unknown[- ]local[- ]part",
    r"recip(?:ient)? ?not ?found",
    r"resolver\.adr\.\w*(?:notfound|invalid|recip)",
    r"resolver\.adr\.exrecipnotfound",
    r"(?:does ?n[o']t|doesn?t|does not) have (?:an? |any )?(?:\S+ )?(?:account|mailbox)",
    r"sorry, no mail[ -]?box",
    r"p=nosuchuser\w*",
    r"not (?:a|our) (?:(?!permitted|allowed|authori[sz]ed|registered)\w+ )?(?:customer|user)\b",
    r"not (?:an? )?(?:user|customer) (?:of|at|on|here)\b",
    r"<> (?:is )?(?:not (?:found|used|in use)|unknown|does not exist|doesn't exist|no such)",
    r"(?:do not|don't|cannot|could not|can't|couldn't) (?:have|find|locate|know) (?:\w+ ){0,3}(?:user|mailbox|recipient|address|account)",
    r"(?:wasn't|was not|not) found at <?\S+\.",
    r"not (?:(?:found|listed|present) )?in (?:the |our )?(?:\w+ )?(?:ldap|directory|(?:recipient|user) (?:list|table|map))",
    r"no (?:\S+ )?(?:in (?:the )?(?:name )?directory|such (?:alias|id|entry)\b)",
    r"mailbox (?:name |unavailable or )?not (?:found|local)",
    r"couldn't be found, or is unable to receive",
    r"because the address couldn't be found",
    r"no account (?:by|with) (?:that|this) name",
    r"(?:unable to|could not|couldn't|cannot|can't|did not) (?:find|locate) (?:\w+ ){0,3}(?:user|recipient|alias|mailbox)\b(?! domain)",
    rf"(?:not|n't) exists? (?:(?:\w+ ){{0,2}}(?:that|this) {_WHO}|here\b)",
    rf"{_WHO} (?:is )?not a member of domain",
    r"not in (?:my|our|the) (?:list of )?valid ?(?:rcptto|recipients?|users?)",
    r"not known (?:at|on|to) (?:this|our) (?:site|system|server)",
    r"(?:not|n't) (?:handle|serve) (?:\w+ ){0,2}for (?:that|this) (?:user|recipient|mailbox|address)",
    r"recipient(?: name)? is not recogni[sz]ed",
    r"unroute?able address",
    r"bad destination mailbox",
    r"(?:this|that) (?:user|address|mailbox) (?:is|was) not (?:here|found|known)",
)

RECIPIENT_REFUSED = phrase(
    Class.RECIPIENT_REFUSED,
    r"recipient (?:\S+ )?(?:address )?(?:was |is |has been )?(?:rejected|refused|denied|blocked|declined)",
    r"(?:mailbox|account|recipient) (?:is )?(?:currently )?(?:un|not )available",
    r"(?:cannot|can't|can not|unable to) receive (?:e-?mail|mail|messages)",
    r"log ?in to (?:enable )?receiv",
    r"does not like recipient",
    r"refused by (?:the )?(?:recipient|user)",
    r"(?:user|recipient) (?:has )?(?:refus|reject|declin|block)\w*",
    r"not accept\w* (?:mail|messages|e-?mail) (?:from|for)",
    r"delivery (?:to \S+ )?(?:is )?(?:not authorized|restricted)",
    r"(?:group|list) (?:\w+ ){0,3}(?:only|members|not|restrict|permission|exist)",
    r"address (?:was )?rejected",
    r"recipient error",
    r"reject all mails?",
)
