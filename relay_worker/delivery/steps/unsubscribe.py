"""One-click unsubscribing: List-Unsubscribe (RFC 2369) and List-Unsubscribe-Post (RFC 8058)."""

from dataclasses import replace

from relay_worker.delivery.draft import Draft, name_of
from relay_worker.queue.claims import Claimed, SenderIdentity
from relay_worker.suppressions.tokens import LINK_PATH, Subscription

_ONE_CLICK = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def needs_links(sender: SenderIdentity, claimed: Claimed, fields: tuple[bytes, ...]) -> bool:
    """True when the message gets links of ours, and so must be built for each recipient by itself."""
    return (
        sender.list_unsubscribe
        and claimed.mail_from != ""
        and bool(sender.tracking_host or sender.return_path_host)
        and not any(name_of(field) == b"list-unsubscribe" for field in fields)
    )


def add_unsubscribe_links(draft: Draft) -> Draft | None:
    """Where the account asks for it, and the message brings none: a link and an address that unsubscribe its recipient.

    The Post field tells mailbox providers that a POST to the link is enough; it goes with an https link only.
    """
    if not draft.alone or not needs_links(draft.sender, draft.claimed, draft.fields):
        return None
    links = [*_https_link(draft), *_mailbox_link(draft)]
    added = [b"List-Unsubscribe: " + b",\r\n\t".join(f"<{link}>".encode("ascii") for link in links)]
    if draft.sender.tracking_host:
        added.append(_ONE_CLICK)
    kept = draft.without(frozenset({b"list-unsubscribe-post"}))
    return replace(draft, fields=(*added, *kept))


def _https_link(draft: Draft) -> list[str]:
    if not draft.sender.tracking_host:
        return []
    one = draft.claimed
    token = draft.marks.unsubscribe.make(
        Subscription(one.reseller_id, one.account_id, one.rcpt_to, one.message_id, one.n)
    )
    return [f"https://{draft.sender.tracking_host}{LINK_PATH}{token}"]


def _mailbox_link(draft: Draft) -> list[str]:
    if not draft.sender.return_path_host:
        return []
    mailbox = draft.marks.unsubscribe.make_mailbox(draft.claimed.message_id, draft.claimed.n)
    return [f"mailto:{mailbox}@{draft.sender.return_path_host}?subject=unsubscribe"]
