"""Our own marks, by which mail that comes back says what it is about: in its address, and in what it quotes of ours."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from platform_core.ids import MessageId
from platform_core.mail.addresses import RETURN_PATH_LABEL
from relay_worker.bounces.mime import Fields
from relay_worker.delivery.verp import ReturnPaths
from relay_worker.suppressions.tokens import UnsubscribeTokens

# RFC 2142 and what providers ask for when one enrols in their feedback loops.
FEEDBACK_NAMES = frozenset({"feedback", "fbl", "abuse"})
POSTMASTER = "postmaster"  # RFC 5321 4.5.1: every host that takes mail has one, in any case of letters

_RETURN_PATH = re.compile(r"(?<![a-z0-9])b-[a-z2-7]{26}-[0-9]{1,9}-[a-z2-7]{8}(?![a-z0-9])", re.IGNORECASE)
_UUID = r"([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12})"
_OUR_TRACE = re.compile(rf"from authenticated-user by \S{{1,255}} with [^;]{{1,200}}? id {_UUID}\b")
_OUR_MESSAGE_ID = re.compile(rf"<?{_UUID}@")


class InboundKind(StrEnum):
    """Which of our addresses a mail came to. The values are stored."""

    RETURN_PATH = "return_path"
    FEEDBACK = "feedback"
    UNSUBSCRIBE = "unsubscribe"
    POSTMASTER = "postmaster"


@dataclass(frozen=True, slots=True)
class Mark:
    """A message of ours and its recipient's number; None where only the message is named.

    `alone`: it is about this very recipient. A return path may stand for others of the same transaction, too.
    """

    message_id: MessageId
    n: int | None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Addressee:
    """What a local part of ours is for. `mark`: the message and recipient in it, None where it names none."""

    kind: InboundKind
    mark: Mark | None = None

    @property
    def only_while_known(self) -> bool:
        """True where the message named must still be there. An unsubscribe address works longer than that."""
        return self.kind is InboundKind.RETURN_PATH

    @property
    def at_customers(self) -> bool:
        """True where customers' own return-path hosts take it, too."""
        return self.kind in (InboundKind.RETURN_PATH, InboundKind.POSTMASTER)


@dataclass(frozen=True, slots=True)
class Marks:
    """Reads marks with the keys that they were made with."""

    return_paths: ReturnPaths
    tokens: UnsubscribeTokens

    @classmethod
    def from_secret(cls, secret_key: str) -> "Marks":
        return cls(ReturnPaths.from_secret(secret_key), UnsubscribeTokens.from_secret(secret_key))

    def addressee(self, local_part: str) -> Addressee | None:
        """What mail to this local part is for; None when it is none of ours, or a forged one."""
        name = local_part.lower()
        if name in FEEDBACK_NAMES:
            return Addressee(InboundKind.FEEDBACK)
        if name == POSTMASTER:
            return Addressee(InboundKind.POSTMASTER)
        if read := self.tokens.read_mailbox(name):
            return Addressee(InboundKind.UNSUBSCRIBE, Mark(*read, alone=True))
        if read := self.return_paths.read(name):
            return Addressee(InboundKind.RETURN_PATH, Mark(*read))
        return None

    def in_original(self, original: Fields, sender: str) -> Mark | None:
        """The mark in the header fields of a message of ours that came back, or in the envelope sender it had.

        X-Report-ID comes first: it is there only where a copy was made for one recipient. Then whatever else is signed,
        in whichever field (Return-Path, for one); then the message id in our trace field or Message-ID, which nobody
        can guess who has not had the message.
        """
        if mark := self.of_copy(original):
            return mark
        if mark := self._signed([sender, *(value for _, value in original.items)]):
            return mark
        traced = (_OUR_TRACE.search(value) for value in original.all("received"))
        named = (_OUR_MESSAGE_ID.match(value) for value in original.all("message-id"))
        first = next((match for match in (*traced, *named) if match), None)
        return Mark(MessageId(UUID(first[1])), None) if first else None

    def of_copy(self, original: Fields) -> Mark | None:
        """The mark of a copy that was made for one recipient."""
        mark = self._signed(original.all("x-report-id"))
        return replace(mark, alone=True) if mark else None

    def _signed(self, texts: list[str]) -> Mark | None:
        every = (found[0] for text in texts for found in _RETURN_PATH.finditer(text))
        return next((Mark(*read) for one in every if (read := self.return_paths.read(one))), None)


def customer_domain(host: str) -> str:
    """The sending domain whose own return-path host `host` would be; "" when it has not that form."""
    label, _, domain = host.partition(".")
    return domain if label == RETURN_PATH_LABEL else ""
