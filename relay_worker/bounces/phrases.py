"""How mail servers word what they mean: an ordered list of phrases, the first that matches decides.

Texts arrive here in lower case, on one line, with addresses as `<>` and links as `host p=word` (see `classify.plain`).
The order is the policy. What a server says about us, our address or our message stands before what it says about the
recipient, because a blocked sender is often told "user unknown" in the same breath, and hard suppresses.
"""

import re
from dataclasses import dataclass

from relay_worker.bounces.classes import OutcomeClass as Class


@dataclass(frozen=True, slots=True)
class Phrase:
    """`pattern` is searched for in the plain text."""

    outcome: Class
    pattern: re.Pattern[str]


def _phrases(outcome: Class, *patterns: str) -> Phrase:
    return Phrase(outcome, re.compile("|".join(patterns)))


_WHO = r"(?:user|recipient|mailbox|(?<!ip )(?<!host )(?<!server )(?<!from )(?<!dns )(?<!mx )address|account|e-?mail (?:address|account)|addressee|alias|customer|person|inbox)"
_NOT = r"(?:does ?n[o']t|doesn?t|do not|does not|did not|is not|isn't|was not|wasn't|could ?n[o']t be|could not be|cannot be|can't be|not)"

# RFC 7208 (SPF), 6376 (DKIM), 9989 (DMARC). Google: support.google.com/mail/answer/81126; Microsoft: 5.7.509, 5.7.515.
AUTHENTICATION = _phrases(
    Class.AUTHENTICATION,
    r"\bd?marc\b(?!@)", r"\bspf\b", r"\bdkim\b", r"sender policy framework", r"\bsender.?id\b.{0,40}fail",
    r"unauthenticated (?:e-?mail|mail|message)", r"sender is unauthenticated",
    r"authentication (?:information|checks?|results)", r"fail\w* authentication check",
    r"does not (?:pass|meet) .{0,60}authentication", r"p=(?:unauthenticated|dmarc|spf|dkim)",
)  # fmt: skip

# Yahoo's TSnn and TSSnn, Microsoft's 4.7.5xx and 4.7.65x, Google's ReceivingRate and UnsolicitedRateLimit.
RATE_LIMITED = _phrases(
    Class.RATE_LIMITED,
    r"\[tss?\d\d\]", r"too (?:many|much) (?:\w+ ){0,3}(?:connections?|messages?(?! on the server)|mails?|e-?mails?|recipients?|sessions?|requests|traffic|errors|rcpts?|hits)",
    r"too many (?:concurrent|simultaneous|parallel|unknown|invalid)", r"rate[ -]?limit", r"\bthrottl", r"slow(?:ing)? down",
    r"(?:sent|sending|deliver\w*|receiving|arriving|connecting|comes?) (?:\w+ ){0,4}(?:too (?:fast|quickly|often|many)|at (?:a|too great a) rate)",
    r"unusual rate", r"unexpected volume", r"at a rate that", r"rate that prevents", r"(?:connection|concurrency|session) (?:rate|limit|count)",
    r"(?:max(?:imum)?|number of|exceed\w*) (?:\w+ ){0,5}(?:connections|sessions|messages per|mails per|recipients per|e-?mails? per)",
    r"(?:hourly|daily|per[ -](?:minute|hour|day|second|connection)|message|sending|submission|rate) (?:\w+ )?(?:limit|quota|cap) (?:\w+ )?(?:exceed|reach)",
    r"exceed\w* (?:\w+ ){0,4}(?:rate|frequency|hourly|daily|throughput|sending limit|message limit|connection limit)",
    r"p=(?:receivingrate|unsolicitedratelimiterror|unsolicitedratelimit)\w*", r"(?:hourly|daily|monthly) (?:\w+ ){0,3}(?:limit|quota)",
    r"(?:mails?|messages) (?:\w+ ){0,3}temporarily deferred", r"\bflood\w*\b", r"too frequent",
)  # fmt: skip

GREYLISTED = _phrases(
    Class.GREYLISTED,
    r"gr[ae]y[ -]?list", r"\bgreylst", r"postgrey", r"first (?:time|attempt).{0,40}(?:retry|try again|later)",
    r"(?:please|try|come back).{0,20}(?:retry|try again|again).{0,30}you (?:have|are).{0,20}(?:been )?(?:deferred|new)",
)  # fmt: skip

# RFC 3207 4; Google 5.7.29; RFC 7672 and 8461 when our own policy asks for it.
TLS_REQUIRED = _phrases(
    Class.TLS_REQUIRED,
    r"(?:must|should|need to|have to) (?:issue|use|start|do) (?:a )?(?:starttls|tls|encryption)",
    r"(?:starttls|\btls\b|\bssl\b|encrypt(?:ion|ed)|secure (?:channel|connection|transport))(?: \w+){0,3} (?:is |are )?(?:required|mandatory|needed|enforced)",
    r"requires? (?:\w+ ){0,3}(?:starttls|tls|encrypt)", r"(?:was|were|is) not encrypted", r"no encrypted connection",
)  # fmt: skip
TLS_FAILED = _phrases(
    Class.TLS_FAILED,
    r"(?:\btls\b|\bssl\b|starttls)(?: \w+){0,4} (?:failed|failure|error|refused|not available|broken|aborted)",
    r"(?:failed|failure|error|unable|cannot|could not)(?: \w+){0,4} (?:\btls\b|\bssl\b|starttls)\b", r"\btls failed\b",
    r"handshake (?:failed|failure|error)", r"certificate (?:verif\w+|valid\w+|name|chain)?.{0,30}(?:fail|mismatch|expired|untrusted|not trusted|invalid)",
    r"spoke in clear after starttls",
)  # fmt: skip

# Lists by their names, and what servers say of listed addresses. Microsoft S3140/S3150 and 5.7.5xx-5.7.7xx,
# Yahoo BLnn, Comcast BL000, Proofpoint PDR, Cloudmark CSI, Google "very low reputation of the sending".
BLOCK_REPUTATION = _phrases(
    Class.BLOCK_REPUTATION,
    r"\b(?:dns|r|ur|s|x|z)?[bw]ls?\b", r"\bdnsrbl\b", r"black[ -]?(?:hole|list)", r"block[ -]?list", r"deny[ -]?list", r"ban[ -]?list",
    r"spamhaus", r"\bsorbs\b", r"spamcop", r"barracuda(?:central|networks)?\.(?:org|com)", r"senderbase", r"sender ?score", r"cloudmark", r"uceprotect",
    r"dnsbl", r"proofpoint\.com", r"\bpsbl\b", r"mailspike", r"abuseat", r"invaluement", r"trendmicro", r"mail-abuse", r"trustedsource", r"talosintelligence",
    r"reputation", r"\bs3(?:140|150)\b", r"\[?\bbl\d\d\b", r"banned send", r"blocked using", r"\blisted (?:in|at|on|by)\b",
    r"(?:your|client|sending|source|connecting|the|this|sender'?s?|remote) (?:\w+ ){0,2}(?:ip|host|server|network|machine|mta|domain|isp)(?: address)?(?: \S+){0,6} (?:is |was |has been |been |are )?(?:\w+ )?(?:blocked|banned|refused|denied|rejected|blacklisted|listed|not (?:allowed|authorized|permitted|accepted))",
    r"(?:blocked|banned|refused|denied|rejected|disallowed) (?:\w+ ){0,5}(?:from |for |by )(?:your |this |the )?(?:\w+ )?(?:ip\b|ip address|client|host|network|sender ip|connecting)",
    r"\[?\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\]? (?:\w+ ){0,3}(?:blocked|banned|rejected|denied|refused|listed)",
    r"(?:traffic|connections?|mail|e-?mail|messages?) (?:\w+ ){0,4}(?:not accepted|refused|rejected|blocked|denied|prohibited) (?:\w+ ){0,3}(?:from |by |due )?(?:\w+ ){0,3}(?:ip|address|host|server|network|range)\b",
    r"(?:connections?|mail|messages) (?:\w+ ){0,3}(?:will )?not (?:be )?accepted from", r"user complaints", r"(?:abus|suspicious)\w* (?:\w+ ){0,3}(?:activity|traffic|ip|source|behaviou?r|host|network)",
    r"dynamic(?:ally)? (?:\w+ )?(?:ip|address|host|range|pool|assigned|allocated)", r"(?:residential|dial-?up|generic) (?:\w+ )?(?:ip|address|host|range|client|name)",
    r"refused to talk to me: [45]\d\d (?:\S+ ){0,4}(?:blocked|denied|refused)", r"\bblocked - see\b", r"invalid ip for sending", r"\bip (?:is )?(?:blocked|banned)",
    r"(?:poor|bad|low|untrusted) (?:sender|sending|ip|domain)\b", r"\b(?:access|connection) (?:\w+ )?(?:blocked|denied|refused|rejected)[^<]{0,30}\b(?:ip|client|host)\b",
    r"a problem occurred\. ask your postmaster", r"\(nowl\)", r"delist", r"de-list", r"unblock",
)  # fmt: skip

# The name of the sending server: RFC 1912 2.1 in the servers' words. Google 4.7.23 and 5.7.25.
REVERSE_DNS = _phrases(
    Class.REVERSE_DNS,
    r"reverse[ -]?(?:dns|name|lookup|resol|host|look)", r"\br-?dns\b", r"\bptr\b", r"fcrdns", r"forward[- ]confirmed",
    r"(?:can(?:no|')t|could ?n[o']t|unable to|failed to) (?:find|resolve|verify|determine|lookup|look up) your (?:\w+ )?(?:host|name|domain|ip|address|server|client)",
    r"(?:client|your) (?:host|server)\w*(?: rejected)?:? (?:cannot|could not|unable to) find", r"mismatch\w* (?:the )?client ip", r"no (?:host )?name (?:is )?found for ip",
    r"(?:helo|ehlo)\b", r"does not resolve to your", r"missing (?:a )?(?:dns|hostname|host name)", r"without a valid (?:sender domain|reverse|host|dns)",
)  # fmt: skip

SENDER_REFUSED = _phrases(
    Class.SENDER_REFUSED,
    r"\b(?:envelope )?sender(?:'s)?(?: e-?mail)?(?: address| domain)?(?: \S{1,40})? ?:? (?:is |was |has been )?(?:not |un)?(?:reject|denied|unknown|invalid|refused|blocked|blacklisted|allowed|accepted|exist|known|verif|valid|found|resolv|listed|permitted)",
    r"(?:unknown|invalid|bad|unresolv\w+|unrout\w+|illegal|malformed|rejected|refus\w+|blocked|no such|non-?existent) (?:envelope )?(?:sender|return[ -]?path|from address|mail from|reverse[ -]path)",
    r"sender (?:verify|verification|callout|address verif|domain must|domain does|rejected|denied)", r"domain of (?:the )?sender", r"sender domain",
    r"(?:mail from|return[ -]?path|reverse[ -]path|from:? address|bounce address)\b.{0,40}(?:reject|denied|refus|invalid|not exist|unknown|not allow|not accept|not resolv|unresolv|not valid)",
    r"(?:not|n't) (?:accept|allow|want)\w* (?:any )?(?:mail|e-?mail|messages) from (?:you|this sender|<>|that sender|sender|your)", r"callback", r"not (?:allowed|permitted|authorized) to send",
    r"(?:your|the) (?:e-?mail |sending )?(?:address|domain)(?: \S{1,40})? (?:is |has been |was )?(?:blocked|blacklisted|banned|rejected|not (?:allowed|accepted|permitted))",
    r"(?:access|permission) denied for sender", r"you are not allowed", r"\byour (?:\w+ )?(?:account|user|mailbox)\b", r"connected to \S+ but sender was rejected",
)  # fmt: skip

# Apple: "[HMnn] message rejected due to local policy" is content; RFC 3463 X.7.1 in these words.
SPAM_CONTENT = _phrases(
    Class.SPAM_CONTENT,
    r"(?<!our users from )\bspam\b", r"spam(?:my|assassin|my|trap|scor|filter|detect|bot|content|like)", r"\bube\b", r"\buce\b", r"\bjunk\b",
    r"unsolicited", r"(?:likely|looks|considered|classified|identified|detected|scored|flagged|marked|categori[sz]ed) (?:\w+ ){0,3}(?:as |like )?(?:suspicious|bulk|unwanted|abusive|undesirable)",
    r"content (?:\w+ ){0,2}(?:rejected|denied|refused|blocked|filter|not accepted)", r"bulk (?:mail|e-?mail|filter)", r"\bscored? (?:too )?high", r"\bhm\d\d\]", r"unwanted (?:mail|e-?mail|message|content)",
    r"header error \(state", r"p=unsolicitedmessage\w*", r"high probability of",
)  # fmt: skip

DANGEROUS = _phrases(
    Class.CONTENT_REFUSED,
    r"\bvirus(?:es)?\b(?! firewall)", r"malware", r"infected", r"trojan", r"\bworm\b", r"phish", r"\bmalicious", r"security (?:issue|threat|risk)", r"dangerous",
)  # fmt: skip

CONTENT_REFUSED = _phrases(
    Class.CONTENT_REFUSED,
    r"attachment", r"\bexecutable", r"banned (?:file|content|attachment|extension)", r"file (?:type|extension|name)", r"p=(?:blockedmessage|rfcmessagenoncompliant)\w*",
    r"(?:rfc ?[25]?822|rfc ?[25]?322)", r"(?:not|non)[- ]?(?:rfc )?complian", r"multiple .{0,20}addresses in from", r"from:? header", r"header (?:\w+ ){0,3}(?:missing|invalid|malformed|error|not valid|too)",
    r"headers? (?:\w+ )?too large", r"(?:missing|invalid|malformed|duplicate|illegal|bad|no) (?:\S+ ){0,2}header", r"media error", r"conversion", r"bare (?:cr|lf)", r"8-?bit", r"smtputf8", r"\bcharset\b", r"mime (?:error|type|part)",
    r"(?:message|mail) (?:\w+ )?(?:contains|containing)", r"forbidden (?:\w+ )?(?:content|word|link|url)", r"international addresses", r"\burls? (?:in|of) (?:your|this|the) (?:message|mail)",
)  # fmt: skip

# RFC 3463 X.2.2. Google's OverQuota, also with "and inactive": the address is there.
MAILBOX_FULL = _phrases(
    Class.MAILBOX_FULL,
    r"(?:mail ?box|inbox|mail ?folder|mail ?dir|account|user|recipient)(?:'s)?(?: \S+){0,3} (?:is |are |was |has been |has |already )?(?:too )?(?:full\b|over[ -]?(?:the )?quota|exceed\w*)",
    r"over[ -]?quota", r"(?:exceed\w*|over|reached|beyond) (?:\w+ ){0,4}(?:storage|mailbox (?:size|quota|limit)|disk quota|quota)", r"quota (?:\w+ ){0,4}(?:exceed|full|reach|violat|overdrawn)",
    r"out of (?:storage|space|quota)", r"(?:insufficient|not enough|no) (?:\w+ ){0,3}(?:mailbox |user )?(?:storage|quota)(?! in system)(?: space)? (?:in|for|left|available|to)\b", r"mail(?:box)? ?quota", r"mailfull", r"storage (?:limit|quota)",
    r"p=overquota\w*", r"has too many messages on the server", r"disk quota", r"mailbox (?:\w+ )?(?:size )?limit", r"bo[iî]te .{0,20}pleine", r"postfach.{0,20}voll",
    r"mailbox full", r"account .{0,20}over its", r"not enough (?:storage|space|room)",
)  # fmt: skip

# RFC 3463 X.2.3 and X.3.4, RFC 1870. Microsoft's RESOLVER.RST.RecipSizeLimit.
MESSAGE_TOO_LARGE = _phrases(
    Class.MESSAGE_TOO_LARGE,
    r"(?:message|mail|e-?mail|size|it|data)(?: \w+){0,3} (?:is |was )?(?:too|to) (?:large|big|long)", r"(?:message|mail|e-?mail) (?:size|length)(?: \S+){0,4} (?:exceed|limit|too|larger|over)",
    r"exceed\w* (?:\w+ ){0,5}(?:size|length)", r"size ?limit", r"larger than", r"maximum (?:\w+ )?(?:message )?size", r"message length",
)  # fmt: skip

LOOP = _phrases(
    Class.LOOP,
    r"too many hops", r"hop count", r"\bloop(?:s|ing|ed|back)?\b", r"too many received", r"delivered-to header", r"mail forwarding loop", r"lead back to us", r"max(?:imum)? hops",
)  # fmt: skip

# Words that mean "no such address" only beside one code: Microsoft's directory-based edge blocking (5.4.1) and the
# appliances of Cisco (5.1.0). Elsewhere they are said to senders who are blocked.
NOT_IN_DIRECTORY = re.compile(r"recipient address rejected: access denied")
REFUSED_BARELY = re.compile(r"^(?:\W|\d|<>)*address rejected\W*(?:<>)?\W*$")

ADDRESS_SUSPENDED = _phrases(
    Class.ADDRESS_SUSPENDED,
    rf"{_WHO}(?: \S+){{0,4}} (?:is |has been |was )?(?:currently |temporar(?:y|ily) )?(?:suspended|locked|frozen|blocked|on hold|quarantined|restricted|expired|overdue)\b",
    rf"temporar(?:y|ily) (?:disabled|suspended|locked|blocked|unavailable|inactive) {_WHO}", rf"{_WHO}(?: \S+){{0,4}} temporar(?:y|ily) (?:disabled|unavailable|inactive|closed|not available)",
    r"compte (?:\S+ ){0,4}(?:bloqu|suspend)",
)  # fmt: skip

ADDRESS_DISABLED = _phrases(
    Class.ADDRESS_DISABLED,
    rf"{_WHO}(?: \S+){{0,4}}? (?:is |has been |was |been )?(?:\w+ )?(?:disabled|deactivated|discontinued|closed|terminated|cancell?ed|removed|deleted|inactive|decommissioned)\b",
    rf"(?:disabled|deactivated|inactive|closed|terminated|deleted|discontinued) (?:\w+ )?{_WHO}", r"p=disableduser\w*", r"is not active", r"not (?:an )?active (?:user|account|mailbox|address)",
    rf"{_WHO}(?: \S+){{0,5}} (?:is |are )?no longer (?:active|available|in use|valid|used|in service|accept|exist|here|with|on|monitored)", r"no longer on (?:this |the )?server", r"no longer (?:works|employed|with (?:us|the company))",
    r"compte (?:\S+ ){0,4}(?:d[eé]sactiv|ferm|supprim)",
)  # fmt: skip

# Somebody is there, but takes mail only from some: lists, families, people who answer a challenge first.
RESTRICTED = _phrases(
    Class.RECIPIENT_REFUSED,
    r"white[ -]?list", r"allow(?:ed)?[ -]?list", r"only accepts?", r"members? only", r"not a (?:member|subscriber)", r"sendernotauthenticated", r"\bchallenge\b", r"confirm your", r"permission to (?:send|post|deliver)",
    r"(?:user|recipient) (?:has )?(?:refuses|declin|block)\w*", r"not (?:allowed|authorized|permitted) to (?:post|send) (?:\w+ )?(?:to|messages|mail)",
)  # fmt: skip

# RFC 3463 X.1.1. The words of Postfix, sendmail, Exim, qmail, Exchange, Google, Yahoo, Apple, Orange, mail.ru, Cisco.
NO_SUCH_ADDRESS = _phrases(
    Class.NO_SUCH_ADDRESS,
    rf"no such (?:\w+ )?{_WHO}", rf"(?:unknown|non-?existent|nonexisting) (?:\w+ ){{0,2}}(?:local[- ]?part|{_WHO})", rf"{_WHO}(?:'s)?(?: \S+){{0,3}}? (?:is |was )?(?:unknown|nonexist\w*|non-exist\w*)\b",
    rf"{_WHO}(?: \S+){{0,8}}? {_NOT} (?:\w+ )?(?:exist\w*|found|known|recogni[sz]ed|listed|registered|a (?:valid|known)|valid|on (?:this|our)|here|match|have (?:an?|any) \S+ (?:account|mailbox))",
    rf"(?:invalid|bad|illegal|wrong|incorrect|undeliverable) (?:\w+ ){{0,2}}{_WHO}(?! format)", rf"(?:no|not an?|isn't an?|is not an?|no valid) (?:\w+ )?(?:mailbox|{_WHO}) (?:here|by that name|found|with that|of that|available|on|at|named|for|in|matches|exists)",
    r"\buser ?unknown", r"unknown ?user", r"unknown recipient", r"unknown[- ]local[- ]part", r"recip(?:ient)?_?not_?found", r"resolver\.adr\.\w*(?:notfound|invalid|recip)", r"resolver\.adr\.exrecipnotfound",
    r"(?:does ?n[o']t|doesn?t|does not) have (?:an? |any )?(?:\S+ )?(?:account|mailbox)", r"sorry, no mailbox", r"p=nosuchuser\w*", r"not (?:a|our) (?:\w+ )?(?:customer|member|user)\b",
    r"<> (?:is )?(?:not found|unknown|does not exist|doesn't exist|no such)", r"(?:we|i) (?:do not|don't|cannot|could not|can't|couldn't) (?:have|find|locate|know) (?:\w+ ){0,3}(?:user|mailbox|recipient|address|account)",
    r"(?:destinataire|adresse)(?: \S+){0,6} (?:invalide|inconnue?|introuvable|inexistante?)", r"(?:empf[aä]nger|adresse|benutzer|postfach)(?: \S+){0,4} (?:unbekannt|existiert nicht|nicht gefunden)", r"usuario (?:desconocido|no existe)",
    r"utente sconosciuto", r"mailbox (?:name )?not (?:found|local)", r"couldn't be found, or is unable to receive", r"because the address couldn't be found", r"no account (?:by|with) (?:that|this) name", r"unable to (?:verify|find) (?:the )?(?:user|recipient)(?! domain)",
    r"recipient(?: name)? is not recogni[sz]ed", r"recipient not found", r"account not (?:found|available)", r"unrouteable address", r"bad destination mailbox", r"(?:this|that) (?:user|address|mailbox) (?:is|was) not (?:here|found|known)",
)  # fmt: skip

# A name server's last word: the DragonFly agent, Postfix, Google. "Try again" makes it DNS_TROUBLE.
HOST_NOT_FOUND = _phrases(
    Class.NO_SUCH_DOMAIN,
    r"(?:^|: )(?:dns lookup failure: )?host \S+ not found(?!, try)", r"nxdomain", r"null ?mx", r"type=(?:a|aaaa|mx): host not found(?!, try)", r"name server: [^)]{0,80}: host not found",
)  # fmt: skip

# RFC 3463 X.1.2, RFC 7505 (null MX). DNS that fails is another matter: it stands before this in the list.
NO_SUCH_DOMAIN = _phrases(
    Class.NO_SUCH_DOMAIN,
    r"(?:host or )?domain name not found", r"(?:host|domain|system) (?:is )?unknown", r"unknown (?:host|domain|system)\b", r"no such (?:host|domain|system)",
    r"domain (?:name )?(?:\S+ )?(?:does ?n[o']t|does not|doesn't|did not|cannot|can't|could ?n[o']t) (?:exist|be found|be resolved)", r"nxdomain", r"non-?existent (?:\w+ )?(?:domain|host|hosts)",
    r"(?:find|found) any host named", r"bad destination (?:host|system|domain)", r"because the domain \S+ couldn't be found", r"the domain is not reachable\. please check the domain",
    r"(?:invalid|illegal) (?:\w+ ){0,2}(?:domain|host)\b", r"unrouteable mail domain", r"null ?mx", r"(?:does not|doesn't) (?:accept|receive) (?:any )?e-?mail", r"takes no mail", r"no smtp service",
    r"host not found(?!, try)", r"domain (?:has )?(?:expired|not found)\b", r"(?:find|locate) the recipient domain",
)  # fmt: skip

DNS_TROUBLE = _phrases(
    Class.DNS_TROUBLE,
    r"try again.{0,20}host not found", r"host not found, try", r"(?:dns|name ?server|name server|name service|nameservers?|cname|mx) (?:\w+ ){0,3}(?:timeout|timed out|failure|failed|problem|unavailable|lookup failed|do not answer|temporar)", r"servfail",
    r"(?:host ?name|host|name|domain|mx|dns|address) (?:\w+ )?(?:look[ -]?up|resolution) (?:\w+ ){0,3}(?:fail\w*|error|timed|did not|problem|incomplete)", r"lookup did not complete", r"(?:no|find any) mx (?:record|found|host|entr)", r"no mail server with an address",
    r"mail exchanger or ip", r"temporar(?:y|ily) (?:\w+ ){0,3}(?:resolv|dns|name|lookup)", r"unable to (?:resolve|route)", r"(?:could not|cannot|can't) (?:resolve|be resolved)", r"no (?:mail )?(?:hosts|servers|exchangers?) (?:found|exist|available)", r"name server: .{0,60}(?:timeout|failure)",
    r"no address on the public internet", r"all (?:\w+ )?(?:hosts|mx).{0,40}(?:failing|ignored)",
)  # fmt: skip

RELAY_DENIED = _phrases(
    Class.RELAY_DENIED,
    r"\brelay(?:ing|ed)?\b", r"rcpthosts", r"locals and .{0,20}rcpthosts", r"(?:smtp )?auth(?:entication|orization)? (?:is )?(?:required|needed|first|necessary)", r"must (?:first )?(?:authenticate|log ?in)", r"not (?:logged in|authenticated)", r"unauthenticated senders",
    r"(?:not|n't) (?:handle|serve|host|accept) (?:mail )?(?:for )?(?:this|that|the|such) (?:\w+ )?domain", r"gateway", r"domain (?:is )?not (?:hosted|local|served|configured)",
)  # fmt: skip

SERVER_TROUBLE = _phrases(
    Class.SERVER_TROUBLE,
    r"insufficient (?:system|disk|server)", r"disk (?:space|full|write)", r"out of (?:memory|disk|resources)", r"internal (?:\w+ )?(?:error|failure|fault)", r"local (?:error|problem|configuration)", r"system (?:error|failure|resource|problem|not (?:accept|capable)|is |full|storage)",
    r"temporar(?:y|ily) (?:\w+ ){0,3}(?:failure|error|problem|fail|unavailable|suspended|rejected|not available|refused|server|delivery|local|system|deferred)", r"service (?:temporar\w+ |is |currently )*(?:unavailable|not available|refus\w+|shutting)", r"too busy", r"server (?:is )?busy", r"overload\w*", r"(?:load|traffic) (?:average )?(?:is )?too high",
    r"mailer error", r"queue file", r"configuration (?:error|problem)|misconfigur\w+", r"(?:write|read|i/o|database|ldap|sql|backend|server|lmtp|script|pipe|command|storage|software|unexpected|unknown|fatal|delivery agent|technical) (?:\w+ )?(?:error|failure|fail\w*|problem|unavailable)",
    r"unable to (?:contact|open|read|lock|write|create|process|deliver) ", r"(?:cannot|can't|could not) (?:open|create|lock|write|append|access|update|execute)", r"permission", r"resources", r"maintenance", r"no such file", r"(?:try|retry|come back) (?:\w+ ){0,2}later", r"please (?:re-?)?try", r"lost (?:our|my)", r"too many clients", r"not (?:currently )?accepting (?:\w+ )?(?:messages|mail|network|connections)", r"stockage", r"hors service",
    r"veuillez essayer plus tard", r"unable to contact",
)  # fmt: skip

UNREACHABLE = _phrases(
    Class.UNREACHABLE,
    r"connection (?:\w+ ){0,2}(?:timed|refused|reset|lost|closed|dropped|failed|aborted|broken|terminated|ended|time-?out)", r"(?:timed|time)[ -]?(?:d )?out", r"no route to", r"(?:host|network|server|system|destination|domain)(?: \S+)? (?:is )?(?:not reachable|unreachable)", r"unreachable",
    r"(?:could ?n[o']t|could not|unable to|failed to|can ?not|cannot|wasn't able to) (?:\w+ ){0,2}(?:connect|establish|reach|contact)", r"(?:not|n't|no) (?:accept our requests|respond|respon[ds]e|answer)\w*", r"lost connection", r"(?:primary target|winsock)", r"connect(?:ion)? (?:to|with) \S+(?: \S+){0,3} (?:failed|refused|timed|lost)", r"bad connection",
    r"host (?:is )?down", r"connection was lost", r"server (?:did|does) not (?:answer|respond)", r"connected to .{0,60}but (?:connection died|greeting failed)", r"connection died",
)  # fmt: skip

EXPIRED = _phrases(
    Class.EXPIRED,
    r"(?:message|envelope|queue|delivery|mail|retry)[ .](?:\w+ ){0,3}(?:time )?(?:has )?(?:expired|time-?out|timeout exceeded)", r"\bexpired\b", r"too long", r"retry time (?:not reached|exceeded)", r"(?:could not|not) be delivered (?:for|within|in) (?:\d+|too)", r"unable to deliver in", r"(?:giving|gave|given) up", r"stopped trying",
    r"delivery (?:\w+ )?(?:period|time) (?:\w+ )?(?:exceed|elaps|over)",
)  # fmt: skip

POLICY = _phrases(
    Class.POLICY,
    r"polic(?:y|ies)", r"administrativ\w*", r"prohibit", r"(?:un|not )(?:authori[sz]ed|permitted|allowed)", r"security", r"administrator", r"access (?:is |was )?denied", r"denied by", r"firewall", r"\brules?\b", r"forbidden", r"\bblocked\b", r"not (?:wanted|welcome|desired)", r"\bfilter", r"violat", r"\bpostmaster\b.{0,30}\bcontact", r"rejected by",
)  # fmt: skip

RECIPIENT_REFUSED = _phrases(
    Class.RECIPIENT_REFUSED,
    r"recipient (?:\S+ )?(?:address )?(?:was |is |has been )?(?:rejected|refused|denied|blocked|declined)", r"mailbox (?:is )?(?:currently )?(?:un|not )available", r"does not like recipient", r"refused by (?:the )?(?:recipient|user)", r"(?:user|recipient) (?:has )?(?:refus|reject|declin|block)\w*", r"not accept\w* (?:mail|messages|e-?mail) (?:from|for)",
    r"delivery (?:to \S+ )?(?:is )?(?:not authorized|restricted)", r"resolver\.rst\.", r"only accepts", r"(?:group|list) (?:\w+ ){0,3}(?:only|members|not|restrict|permission|exist)", r"address (?:was )?rejected", r"recipient error",
)  # fmt: skip

PROTOCOL = _phrases(
    Class.PROTOCOL,
    r"syntax (?:error|problem)", r"bad sequence", r"(?:command|parameter|argument)s? (?:\w+ ){0,3}(?:unrecogni[sz]ed|not (?:implemented|recogni[sz]ed|supported)|unknown|invalid|rejected|out of)", r"(?:unrecogni[sz]ed|invalid|unknown|bad|unimplemented|unsupported) (?:\w+ )?(?:command|parameter|option|argument)", r"need (?:rcpt|mail)", r"line too long", r"malformed", r"protocol (?:error|violation)", r"out of (?:turn|sequence)", r"unexpected reply", r"rcpt first", r"pipelining", r"can't be said in smtp", r"improper use",
)  # fmt: skip

# The list, read from top to bottom. What is said with an enhanced code that names an address or a host (codes.ENHANCED)
# outweighs the words of the second half, which stand in every other reply.
TELLING = (
    AUTHENTICATION,
    LOOP,
    GREYLISTED,
    RATE_LIMITED,
    MAILBOX_FULL,
    MESSAGE_TOO_LARGE,
    REVERSE_DNS,
    BLOCK_REPUTATION,
    DANGEROUS,
    SPAM_CONTENT,
    CONTENT_REFUSED,
    TLS_REQUIRED,
    TLS_FAILED,
    SENDER_REFUSED,
    RESTRICTED,
    HOST_NOT_FOUND,
    DNS_TROUBLE,
    ADDRESS_SUSPENDED,
    ADDRESS_DISABLED,
    NO_SUCH_ADDRESS,
    NO_SUCH_DOMAIN,
    RELAY_DENIED,
    UNREACHABLE,
    EXPIRED,
    POLICY,
)
VAGUE = (
    SERVER_TROUBLE,
    PROTOCOL,
    RECIPIENT_REFUSED,
)
