"""Signing keys opened once and kept, since opening one costs more than signing with it."""

import hashlib
from collections import OrderedDict

from platform_core.security import Seal
from relay_worker.delivery.dkim import SigningKey
from relay_worker.queue.claims import SenderIdentity

MAX_KEPT = 10_000


class KeyRing:
    """The signing keys of the senders seen lately. A rotated key has other bytes, so it is never mistaken for the old."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._keys: OrderedDict[tuple[str, str, bytes], SigningKey] = OrderedDict()

    def key(self, sender: SenderIdentity) -> SigningKey | None:
        """The sender's key; None when its domain has none. Raises Unavailable when the seal does not fit."""
        if sender.sealed_key is None:
            return None
        name = sender.signing_domain, sender.selector, hashlib.sha256(sender.sealed_key).digest()
        key = self._keys.get(name)
        if key is None:
            pem = self._seal.open(sender.sealed_key)
            key = self._keys[name] = SigningKey.from_pem(sender.signing_domain, sender.selector, pem)
            if len(self._keys) > MAX_KEPT:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(name)
        return key
