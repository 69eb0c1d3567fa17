"""The envelope sender: a return path of ours, so that bounces come back to us and name the message."""

from dataclasses import replace

from relay_worker.delivery.draft import Draft, ReturnPath


def rewrite_envelope_sender(draft: Draft) -> Draft | None:
    """Use a return path at the sender's own host; without such a host bounces go straight to the sender.

    The null sender stays: it keeps bounces from bouncing (RFC 5321 4.5.5).
    """
    if not draft.claimed.mail_from or not draft.sender.return_path_host:
        return None
    path = ReturnPath(draft.claimed, draft.sender.return_path_host, draft.marks.return_paths)
    return replace(draft, return_path=path)
