"""What servers say of who sends: its rate, its reputation, its name, its proof of identity and the rules for it."""

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.phrases.phrase import phrase

# RFC 7208 (SPF), 6376 (DKIM), 9989 (DMARC). Google: support.google.com/mail/answer/81126; Microsoft: 5.7.509, 5.7.515.
AUTHENTICATION = phrase(
    Class.AUTHENTICATION,
    r"\bdmarc\b",
    r"\bspf\b",
    r"\bspoof",
    r"\bdkim\b",
    r"sender policy framework",
    r"\bsender.?id\b.{0,40}fail",
    r"unauthenticated (?:e-?mail|mail|message)",
    r"sender is unauthenticated",
    r"authentication (?:information|checks?|results)",
    r"fail\w* authentication check",
    r"does not (?:pass|meet) .{0,60}authentication",
    r"p=(?:unauthenticated|dmarc|spf|dkim)",
)

# Yahoo's TSnn and TSSnn, Microsoft's 4.7.5xx and 4.7.65x, Google's ReceivingRate and UnsolicitedRateLimit, NetEase's
# MI:xxx and RP:xxx.
RATE_LIMITED = phrase(
    Class.RATE_LIMITED,
    r"\[tss?\d\d\]",
    r"too (?:many|much) (?:\w+ ){0,3}(?:connections?|messages?|mails?|e-?mails?|recipients?|sessions?|requests|traffic|errors|rcpts?|hits)\b(?! (?:on the server|in |stored))",
    r"unusual (?:\w+ )?(?:invalid|unknown)",
    r"too many (?:concurrent|simultaneous|parallel|unknown|invalid|non-?exist\w*)",
    r"(?:unknown|invalid) (?:users?|recipients?) (?:\w+ )?(?:limit|threshold)",
    r"rate[ -]?limit",
    r"\bthrottl",
    r"slow(?:ing)? down",
    r"(?:sent|sending|deliver\w*|receiving|arriving|connecting|comes?) (?:\w+ ){0,4}(?:too (?:fast|quickly|often|many)|at (?:a|too great a) rate)",
    r"unusual rate",
    r"unexpected volume",
    r"at a rate that",
    r"rate that prevents",
    r"(?:connections?|concurrency|sessions?|threads?) (?:rate|limit|count)",
    r"(?:max(?:imum)?|number of|exceed\w*) (?:\w+ ){0,5}(?:connections|sessions|messages?(?: \w+){0,3} per|mails? per|recipients? per|e-?mails? per)",
    r"(?:hourly|daily|per[ -](?:minute|hour|day|second|connection)|message|sending|submission|rate) (?:\w+ )?(?:limit|quota|cap) (?:\w+ )?(?:exceed|reach)",
    r"exceed\w* (?:\w+ ){0,4}(?:rate|frequency|hourly|daily|throughput|sending limit|message limit|connection limit)",
    r"p=(?:receivingrate|unsolicitedratelimiterror|unsolicitedratelimit)\w*",
    r"(?:hourly|daily|monthly) (?:\w+ ){0,3}(?:limit|quota)",
    r"(?:mails?|messages?) (?:\S+ ){0,3}temporarily deferred",
    r"\bflood\w*\b",
    r"too frequent",
    r"\bexcessive (?:\w+ ){0,2}(?:volume|rate|number|amount|traffic|connections?)",
    r"\bfrequency\b",
    r"\brate (?:is |was |has been |limit )?(?:exceed|too high)",
    r"(?:number of|many) (?:\w+ ){0,2}(?:messages|e-?mails|mails)\b.{0,30} per (?:hour|day|minute|second)",
    r"\b(?:mi:(?:cel|ccl|dmc|stc|sfq|qpf)|rp:(?:cel|ccl|drc|rcl|trc|qrc))\b",
)

GREYLISTED = phrase(
    Class.GREYLISTED,
    r"gr[ae]y[ -]?list",
    r"\bgreylst",
    r"postgrey",
    r"first (?:time|attempt).{0,40}(?:retry|try again|later)",
    r"(?:please|try|come back).{0,20}(?:retry|try again|again).{0,30}you (?:have|are).{0,20}(?:been )?(?:deferred|new)",
)

# RFC 3207 4; Google 5.7.29; RFC 7672 and 8461 when our own policy asks for it.
TLS_REQUIRED = phrase(
    Class.TLS_REQUIRED,
    r"(?:must|should|need to|have to) (?:issue|use|start|do) (?:a )?(?:starttls|tls|encryption)",
    r"(?:starttls|\btls\b|\bssl\b|encrypt(?:ion|ed)|secure (?:channel|connection|transport))(?: \w+){0,3} (?:is |are )?(?:required|mandatory|needed|enforced)",
    r"requires? (?:\w+ ){0,3}(?:starttls|tls|encrypt)",
    r"(?:was|were|is) not encrypted",
    r"no encrypted connection",
)

TLS_FAILED = phrase(
    Class.TLS_FAILED,
    r"(?:\btls\b|\bssl\b|starttls)(?: \w+){0,4} (?:failed|failure|error|refused|not available|broken|aborted)",
    r"(?:failed|failure|error|unable|cannot|could not)(?: \w+){0,4} (?:\btls\b|\bssl\b|starttls)\b",
    r"\btls failed\b",
    r"handshake (?:failed|failure|error)",
    r"certificate (?:verif\w+|valid\w+|name|chain)?.{0,30}(?:fail|mismatch|expired|untrusted|not trusted|invalid)",
    r"spoke in clear after starttls",
)

# Lists by their names, and what servers say of listed addresses. Microsoft S3140/S3150 and 5.7.5xx-5.7.7xx,
# Yahoo BLnn, Comcast BL000, Proofpoint PDR, Cloudmark CSI, Google "very low reputation of the sending", NetEase XX:xxx,
# Charter AUP#.
BLOCK_REPUTATION = phrase(
    Class.BLOCK_REPUTATION,
    r"\b(?:dns|r|ur|s|x|z)?[bw]ls?\b",
    r"\bdnsrbl\b",
    r"black[ -]?(?:hole|list)",
    r"block[ -]?list",
    r"deny[ -]?list",
    r"ban[ -]?list",
    r"spamhaus",
    r"\bsorbs\b",
    r"spamcop",
    r"barracuda(?:central|networks)?\.(?:org|com)",
    r"senderbase",
    r"sender ?score",
    r"cloudmark",
    r"uceprotect",
    r"dnsbl",
    r"proofpoint\.com",
    r"\bpsbl\b",
    r"mailspike",
    r"abuseat",
    r"invaluement",
    r"trendmicro",
    r"mail-abuse",
    r"trustedsource",
    r"talosintelligence",
    r"reputation",
    r"\bs3(?:140|150)\b",
    r"\[?\bbl\d\d\b",
    r"banned send",
    r"blocked using",
    r"(?<!not )\blisted (?:in|at|on|by)\b",
    r"(?:your|client|sending|source|connecting|the|this|sender'?s?|remote) (?:\w+ ){0,2}(?:ip|host|server|network|machine|mta|domain|isp)(?: address)?(?: \S+){0,6} (?:is |was |has been |been |are )?(?:\w+ )?(?:blocked|banned|refused|denied|rejected|blacklisted|listed|not (?:allowed|authorized|permitted|accepted))",
    r"(?:blocked|banned|refused|denied|rejected|disallowed|forbidden) (?:\w+ ){0,5}(?:from |for |by )(?:your |this |the )?(?:\w+ )?(?:ip\b|ip address|client|host|network|sender ip|connecting)",
    r"\[?\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\]? (?:\w+ ){0,3}(?:blocked|banned|rejected|denied|refused|listed)",
    r"(?:traffic|connections?|mail|e-?mail|messages?) (?:\w+ ){0,4}(?:not accepted|refused|rejected|blocked|denied|prohibited) (?:\w+ ){0,3}(?:from |by |due )?(?:\w+ ){0,3}(?:ip|address|host|server|network|range)\b",
    r"(?:connections?|mail|messages) (?:\w+ ){0,3}(?:will )?not (?:be )?accepted from",
    r"user complaints",
    r"(?:abus|suspicious)\w* (?:\w+ ){0,3}(?:activity|traffic|ip|source|behaviou?r|host|network)",
    r"dynamic(?:ally)? (?:\w+ )?(?:ip|address|host|range|pool|assigned|allocated)",
    r"(?:residential|dial-?up|generic) (?:\w+ )?(?:ip|address|host|range|client|name)",
    r"refused to talk to me: [45]\d\d (?:\S+ ){0,4}(?:blocked|denied|refused)",
    r"\bblocked - see\b",
    r"connections? (?:refused|rejected|denied) (?:from|for) ",
    r"invalid ip for sending",
    r"from your (?:ip|host|server|network)\b",
    r"(?:harvest\w*|dictionary) attack",
    r"\bip (?:is )?(?:blocked|banned|rejected|denied|refused|in prison)",
    r"(?:for|due to|of|because of) (?:\w+ )?abuse\b",
    r"(?:poor|bad|low|untrusted) (?:sender|sending|ip|domain)\b",
    r"\b(?:access|connection) (?:\w+ )?(?:blocked|denied|refused|rejected)[^<]{0,30}\b(?:ip|client|host)\b",
    r"a problem occurred\. ask your postmaster",
    r"\(nowl\)",
    r"delist",
    r"de-list",
    r"unblock",
    r"\b(?:(?:hl|wm|mi|rp):[a-z]{3}\b|aup#)",
    r"your access to (?:\S+ ){0,9}(?:rejected|denied|blocked|refused)",
)

# The name of the sending server: RFC 1912 2.1 in the servers' words. Google 4.7.23 and 5.7.25.
REVERSE_DNS = phrase(
    Class.REVERSE_DNS,
    r"reverse[ -]?(?:dns|name|lookup|resol|host|look)",
    r"\br-?dns\b",
    r"\bptr\b",
    r"fcrdns",
    r"forward[- ]confirmed",
    r"(?:can(?:no|')t|could ?n[o']t|unable to|failed to) (?:find|resolve|verify|determine|lookup|look up) your (?:\w+ )?(?:host|name|domain|ip|address|server|client)",
    r"(?:client|your) (?:host|server)\w*(?: rejected)?:? (?:cannot|could not|unable to) find",
    r"mismatch\w* (?:the )?client ip",
    r"no (?:host )?name (?:is )?found for ip",
    r"(?:helo|ehlo)\b",
    r"does not resolve to your",
    r"\byour (?:\w+ )?(?:server|host|client)(?:'s)? (?:\w+ )?(?:address|name)\b",
    r"client host (?:rejected|unknown)\b.{0,20}not found",
    r"missing (?:a )?(?:dns|hostname|host name)",
    r"without a valid (?:sender domain|reverse|host|dns)",
)

SENDER_REFUSED = phrase(
    Class.SENDER_REFUSED,
    r"\b(?:envelope )?sender(?:'s)?(?: e-?mail)?(?: address| domain)?(?: \S{1,40})? ?:? (?:is |was |has been )?(?:not |un)?(?:reject|denied|unknown|invalid|refused|blocked|blacklisted|allowed|accepted|exist|known|verif|valid|found|resolv|listed|permitted)",
    r"(?:unknown|invalid|bad|fake|forged|unresolv\w+|unrout\w+|illegal|malformed|rejected|refus\w+|blocked|no such|non-?existent) (?:envelope )?(?:sender|return[ -]?path|from address|mail from|reverse[ -]path)",
    r"postmaster verif\w+ failed|while checking <>",
    r"sender (?:verify|verification|callout|address verif|domain must|domain does|rejected|denied)",
    r"domain of (?:the )?sender",
    r"domain may not exist|\bdns check failed",
    r"(?:valid|known|permitted|approved) senders?\b",
    r"sender domain",
    r"(?:mail from|return[ -]?path|reverse[ -]path|from:? address|bounce address)\b.{0,40}(?:reject|denied|refus|invalid|not exist|unknown|not allow|not accept|not resolv|unresolv|not valid)",
    r"(?:not|n't) (?:accept|allow|want)\w* (?:any )?(?:mails?|e-?mails?|messages) from (?:you|this sender|<>|that sender|sender|your)",
    r"callback",
    r"backscatter|\bbatv\b",
    r"\bfrom (?:header|field|line|domain)\b|in the from\b",
    r"not (?:allowed|permitted|authorized) to send",
    r"(?:your|the) (?:e-?mail |sending )?(?:address|domain)(?: \S{1,40})? (?:is |has been |was )?(?:blocked|blacklisted|banned|rejected|not (?:allowed|accepted|permitted))",
    r"(?:access|permission) denied for sender",
    r"you are not allowed",
    r"\byour (?:\w+ )?(?:account|user|mailbox|address(?! (?:book|list)))\b",
    r"\b(?:sending|mailing) (?:from|user|account|address|domain)\b|\boriginator\b",
    r"connected to \S+ but sender was rejected",
    r"\bblock(?:ed)?[ -]send",
)

# The account that is spoken of is the one that would have logged in, never the recipient's.
LOGIN = phrase(
    Class.RELAY_DENIED,
    r"authenticat\w+ (?:fail|credential|data|error|user)\w*",
    r"(?:for|smtp) auth(?:entication)?\b",
    r"\bpassword\b",
)

RELAY_DENIED = phrase(
    Class.RELAY_DENIED,
    r"\brelay(?:ing|ed)?\b",
    r"rcpthosts",
    r"locals and .{0,20}rcpthosts",
    r"(?:smtp )?auth(?:entication|orization)? (?:is )?(?:required|needed|first|necessary)",
    r"must (?:first )?(?:authenticate|log ?in)",
    r"not (?:logged in|authenticated)",
    r"unauthenticated senders",
    r"(?:not|n't) (?:handle|serve|host|accept) (?:mail )?(?:for )?(?:this|that|the|such) (?:\w+ )?domain",
    r"not (?:a|your) gateway",
    r"domain (?:is )?not (?:hosted|local|served|configured)",
)

# Reasons that stand beside words for an address that is gone only where these are not meant.
FORBIDDEN = phrase(
    Class.POLICY,
    r"polic(?:y|ies)",
    r"prohibit",
    r"forbidden",
    r"\b(?:blocked|banned|firewall)\b",
    r"administrative\w* (?:denied|reject|refus)",
    r"access (?:is |was )?denied",
    r"(?:un|not )(?:authori[sz]ed|permitted|allowed)",
    r"denied by",
    r"\brules?\b",
    r"violat",
    r"auth\w* (?:is )?(?:required|needed|necessary)",
    r"not (?:logged in|authenticated)",
    r"must (?:first )?(?:authenticate|log ?in)",
    r"relay(?:ing)?(?: access)? (?:is )?(?:denied|not |prohibited|disallowed)",
)

POLICY = phrase(
    Class.POLICY,
    r"polic(?:y|ies)",
    r"administrativ\w*",
    r"prohibit",
    r"(?:un|not )(?:authori[sz]ed|permitted|allowed)",
    r"security",
    r"administrator",
    r"access (?:is |was )?denied",
    r"denied by",
    r"firewall",
    r"\brules?\b",
    r"forbidden",
    r"\bblocked\b",
    r"not (?:wanted|welcome|desired)",
    r"\bfilter",
    r"violat",
    r"\bpostmaster\b.{0,30}\bcontact",
    r"reject(?:ed)? by",
    r"quarantin",
    r"(?:not|n't) accept (?:delivery of )?(?:this|your) (?:message|mail|e-?mail)\b",
)

# A refusal of the message without a word on why.
REJECTED = phrase(
    Class.POLICY,
    r"\b(?:message|mail|e-?mail) (?:was |is |has been |have been )?(?:rejected|refused|denied)\b",
    r"^\W*(?:\d{3} )?(?:denied|rejected)\b",
)
