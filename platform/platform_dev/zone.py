"""What the local nameserver knows, how it answers from it, and the faults that it can act out."""

import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.zonefile

TTL_SECONDS = 60
LONGEST_CNAME_CHAIN = 8
# RFC 1035 3.3: one character-string of a TXT record holds at most 255 octets.
STRING_OCTETS = 255
SOA = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 60"

type_of = dns.rdatatype.from_text


class Fault(Enum):
    """How a name misbehaves. SILENCE: no answer at all. TRUNCATE: over UDP an empty answer with TC set, whole over TCP."""

    SERVFAIL = "servfail"
    REFUSED = "refused"
    SILENCE = "silence"
    TRUNCATE = "truncate"


class Records:
    """The records of all names. May be changed from any thread while they are served.

    Names are absolute, with or without the last dot; values are as in a zone file, TXT also without its quotes:
    `records.set("example.test", "MX", "10 mx.example.test")`.
    """

    def __init__(self, records: Mapping[str, Mapping[str, str | Iterable[str]]] | None = None) -> None:
        self._rrsets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self._faults: dict[dns.name.Name, Fault] = {}
        self._validated: set[dns.name.Name] = set()
        for name, by_type in (records or {}).items():
            for kind, values in by_type.items():
                self.set(name, kind, *([values] if isinstance(values, str) else values))

    @classmethod
    def from_zone(cls, text: str) -> Self:
        """From zone-file text (RFC 1035 5.1). Raises dns.exception.DNSException naming the line at fault."""
        records = cls()
        records.replace(text)
        return records

    def replace(self, zone: str) -> None:
        """Forget all records and take those of the zone text; on an error in it, nothing changes."""
        found = dns.zonefile.read_rrsets(
            zone, rdclass=None, default_ttl=TTL_SECONDS, origin=dns.name.root, relativize=False
        )
        self._rrsets = {(rrset.name.canonicalize(), rrset.rdtype): rrset for rrset in found}

    def set(self, name: str, kind: str, *values: str, ttl: int = TTL_SECONDS) -> None:
        """Replace what `name` has of this type."""
        owner = _absolute(name)
        texts = [quoted(value) for value in values] if kind == "TXT" else values
        # A new dictionary, so that a question being answered meanwhile sees all of the change or nothing.
        self._rrsets = self._rrsets | {
            (owner, type_of(kind)): dns.rrset.from_text_list(
                owner, ttl, "IN", kind, texts, origin=dns.name.root, relativize=False
            )
        }

    def remove(self, name: str, kind: str | None = None) -> None:
        """Forget one type of `name`, or all of them."""
        owner, types = _absolute(name), {type_of(kind)} if kind else set(dns.rdatatype.RdataType)
        self._rrsets = {
            key: value for key, value in self._rrsets.items() if key[0] != owner or key[1] not in types
        }

    def fail(self, name: str, fault: Fault) -> None:
        """From now on every question for `name` meets this fault."""
        self._faults[_absolute(name)] = fault

    def mend(self, name: str) -> None:
        """No fault any more."""
        self._faults.pop(_absolute(name), None)

    def fault(self, name: dns.name.Name) -> Fault | None:
        return self._faults.get(name.canonicalize())

    def validate(self, zone: str) -> None:
        """From now on answers about `zone` and the names below it carry AD, as a validating resolver's do (RFC 4035 3.2.3)."""
        self._validated.add(_absolute(zone))

    def is_validated(self, name: dns.name.Name) -> bool:
        return any(name.canonicalize().is_subdomain(zone) for zone in self._validated)

    def find(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        return self._rrsets.get((name.canonicalize(), kind))

    def exists(self, name: dns.name.Name) -> bool:
        """Whether the name has records or lies above one that has: then an answer is empty, not NXDOMAIN (RFC 8020)."""
        return any(owner.is_subdomain(name) for owner, _ in self._rrsets)


class ZoneFile:
    """Keeps records as a file has them; a file that can't be read leaves them as they were."""

    def __init__(self, path: Path, records: Records) -> None:
        self._path = path
        self._records = records
        self._read_at: tuple[int, int] | None = None

    def read_when_changed(self) -> None:
        """Costs one `stat` when nothing changed."""
        try:
            status = self._path.stat()
            if (status.st_mtime_ns, status.st_size) == self._read_at:
                return
            self._read_at = (status.st_mtime_ns, status.st_size)
            self._records.replace(self._path.read_text())
        except (OSError, dns.exception.DNSException) as error:
            sys.stderr.write(f"The zone file {self._path} is not taken: {error}\n")


def respond(records: Records, query: dns.message.Message) -> dns.message.Message | None:
    """The answer to `query`; None for silence."""
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.AA
    if not query.question:
        response.set_rcode(dns.rcode.FORMERR)
        return response
    match records.fault(query.question[0].name):
        case Fault.SILENCE:
            return None
        case Fault.SERVFAIL:
            response.set_rcode(dns.rcode.SERVFAIL)
        case Fault.REFUSED:
            response.set_rcode(dns.rcode.REFUSED)
        case _:
            _answer(records, response, query.question[0].name, query.question[0].rdtype)
    names = [query.question[0].name, *(rrset.name for rrset in response.answer)]
    if query.flags & dns.flags.AD and all(records.is_validated(name) for name in names):
        response.flags |= dns.flags.AD
    return response


def _answer(
    records: Records, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> None:
    """Follows aliases (RFC 1034 4.3.2); an empty answer carries the SOA that lets it be cached (RFC 2308)."""
    for _ in range(LONGEST_CNAME_CHAIN):
        if found := records.find(name, kind):
            response.answer.append(found)
            return
        alias = records.find(name, dns.rdatatype.CNAME)
        if alias is None:
            break
        response.answer.append(alias)
        name = alias[0].target
    if not records.exists(name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(dns.rrset.from_text(dns.name.root, TTL_SECONDS, "IN", "SOA", SOA))


def _absolute(name: str) -> dns.name.Name:
    """Names compare without regard to case (RFC 4343)."""
    return dns.name.from_text(name).canonicalize()


def quoted(value: str) -> str:
    """A TXT value in a zone file's quotes, in pieces where it is long; one that is quoted already stays."""
    if value.startswith('"'):
        return value
    pieces = [value[start : start + STRING_OCTETS] for start in range(0, len(value), STRING_OCTETS)] or [""]
    return " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)
