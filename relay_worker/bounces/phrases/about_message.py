"""What servers say of the message: its size, what it holds and how it is built."""

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.phrases.phrase import phrase

# RFC 3463 X.2.3 and X.3.4, RFC 1870. Microsoft's RESOLVER.RST.RecipSizeLimit.
MESSAGE_TOO_LARGE = phrase(
    Class.MESSAGE_TOO_LARGE,
    r"(?:message|mail|e-?mail|size|it|data)(?: \w+){0,3} (?:is |was )?(?:too|to) (?:large|big|long)",
    r"(?:message|mail|e-?mail) (?:size|length)(?: \S+){0,4} (?:exceed|limit|too|larger|over)",
    r"exceed\w* (?:\w+ ){0,5}(?:size|length)",
    r"size ?limit",
    r"larger than",
    r"maximum (?:\w+ )?(?:message )?size",
    r"message length",
)

DANGEROUS = phrase(
    Class.CONTENT_REFUSED,
    r"\bvirus(?:es)?\b(?! firewall)",
    r"malware",
    r"infected",
    r"trojan",
    r"\bworm\b",
    r"phish",
    r"\bmalicious",
    r"security (?:issue|threat|risk)",
    r"dangerous",
)

# Apple: "[HMnn] message rejected due to local policy" is content; RFC 3463 X.7.1 in these words.
SPAM_CONTENT = phrase(
    Class.SPAM_CONTENT,
    r"(?<!our users from )\bspam\b",
    r"\banti-?spam\b|(?<![.-])\bspam[a-z]+\b(?!\.[a-z])",
    r"\bube\b",
    r"\buce\b",
    r"\bdcc\b",
    r"(?:rejected|refused|blocked|denied) as (?:bulk|suspicious|unwanted)",
    r"\bjunk\b",
    r"unsolicited",
    r"(?:likely|looks|considered|classified|identified|detected|scored|flagged|marked|categori[sz]ed) (?:\w+ ){0,3}(?:as |like )?(?:suspicious|bulk|unwanted|abusive|undesirable)",
    r"content (?:\w+ ){0,2}(?:rejected|denied|refused|blocked|filter|not accepted)",
    r"bulk (?:mail|e-?mail|filter)",
    r"\bscored? (?:too high|high|-?\d+\b)",
    r"\bhm\d\d\]",
    r"unwanted (?:mail|e-?mail|message|content)",
    r"header error \(state",
    r"p=unsolicitedmessage\w*",
    r"high probability of",
    r"\bsuspicious (?:due to|content|message|mail)|(?:message|mail|content) (?:is|looks|seems) (?:\w+ )?suspicious",
    r"\bdt:spm\b",
)

CONTENT_REFUSED = phrase(
    Class.CONTENT_REFUSED,
    r"attachment",
    r"\bunacceptable\b",
    r"\bexecutable",
    r"banned (?:file|content|attachment|extension)",
    r"file (?:type|extension|name)",
    r"p=(?:blockedmessage|rfcmessagenoncompliant)\w*",
    r"(?:rfc ?[25]?822|rfc ?[25]?322)",
    r"(?:not|non)[- ]?(?:rfc )?complian",
    r"multiple .{0,20}addresses in from",
    r"from:? header",
    r"header (?:\w+ ){0,3}(?:missing|invalid|malformed|error|not valid|too)",
    r"headers? (?:\w+ )?too large",
    r"(?:missing|invalid|malformed|duplicate|illegal|bad|no) (?:\S+ ){0,3}header",
    r"media error",
    r"conversion",
    r"bare (?:cr|lf)",
    r"8-?bit",
    r"smtputf8",
    r"\bcharset\b",
    r"mime (?:error|type|part)",
    r"(?:message|mail) (?:\w+ )?contain(?:s|ing|ed)?\b",
    r"forbidden (?:\w+ )?(?:content|word|link|url)",
    r"international addresses",
    r"\burls? (?:in|of) (?:your|this|the) (?:message|mail)",
)
