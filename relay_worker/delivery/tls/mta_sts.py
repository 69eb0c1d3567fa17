"""MTA-STS as text (RFC 8461 3): the TXT record that announces a policy, and the policy itself."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

MAX_AGE = timedelta(seconds=31_557_600)  # RFC 8461 3.2: about a year

# RFC 8461 3.1: what does not begin so is no record of ours, and does not count.
_ANNOUNCES = "v=STSv1;"
_ANNOUNCED_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+")
_ID = re.compile(r"id=([A-Za-z0-9]{1,32})")

_POLICY_FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*([^\x00-\x1f\x7f]*?)[ \t]*")
_SECONDS = re.compile(r"[0-9]{1,10}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MX = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")


class PolicyInvalid(ValueError):
    """The text is no policy; the message says why."""


class StsMode(StrEnum):
    NONE = "none"
    TESTING = "testing"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """What a domain says of its mail servers. `mx`: their names in lower case, `*.` for any one label.

    Two policies are equal when they demand the same; how long they hold does not matter to a connection.
    """

    mode: StsMode
    mx: tuple[str, ...]
    max_age: timedelta = field(compare=False)

    def names(self, host: str) -> bool:
        """Whether `host` is a mail server of the domain (RFC 8461 4.1)."""
        host = host.lower()
        any_label = "*." + host.partition(".")[2]
        return host in self.mx or any_label in self.mx

    def text(self) -> str:
        """The policy with the fields we know, one a line: as it is kept and reported."""
        return "\n".join(
            [
                "version: STSv1",
                f"mode: {self.mode}",
                *(f"mx: {pattern}" for pattern in self.mx),
                f"max_age: {int(self.max_age.total_seconds())}",
            ]
        )


def announced_id(records: list[str]) -> str | None:
    """The policy's id out of the TXT records at `_mta-sts.<domain>`; None unless exactly one announces a policy."""
    announcing = [record for record in records if record.startswith(_ANNOUNCES)]
    if len(announcing) != 1:
        return None
    fields = [part.strip(" \t") for part in announcing[0].removeprefix(_ANNOUNCES).split(";")]
    if fields and not fields[-1]:
        fields.pop()
    if not all(_ANNOUNCED_FIELD.fullmatch(part) for part in fields):
        return None
    return next((found[1] for part in fields if (found := _ID.fullmatch(part))), None)


def parse_policy(text: str) -> StsPolicy:
    """Read a policy file (RFC 8461 3.2): of a field said twice the first counts, unknown ones are passed over.

    Raises PolicyInvalid.
    """
    fields = [_field(line) for line in re.split(r"\r?\n", text.rstrip("\r\n"))]
    single = dict(reversed(fields))
    if single.get("version") != "STSv1":
        raise PolicyInvalid("its version is not STSv1")
    mode = _mode(single.get("mode"))
    mx = tuple(_pattern(value) for name, value in fields if name == "mx")
    if not mx and mode is not StsMode.NONE:
        raise PolicyInvalid("it names no mail server")
    return StsPolicy(mode, mx, _age(single.get("max_age")))


def _field(line: str) -> tuple[str, str]:
    found = _POLICY_FIELD.fullmatch(line)
    if found is None:
        raise PolicyInvalid(f"it has a line that is no field: {line[:80]!r}")
    return found[1], found[2]


def _mode(value: str | None) -> StsMode:
    try:
        return StsMode(value or "")
    except ValueError:
        raise PolicyInvalid(f"it has no known mode, but {value!r}") from None


def _pattern(value: str) -> str:
    if len(value) > 255 or not _MX.fullmatch(value):
        raise PolicyInvalid(f"it names no host, but {value[:80]!r}")
    return value.lower()


def _age(value: str | None) -> timedelta:
    if value is None or not _SECONDS.fullmatch(value):
        raise PolicyInvalid(f"its max_age is not in seconds, but {value!r}")
    return min(timedelta(seconds=int(value)), MAX_AGE)
