"""Signing keys opened once and kept, since opening one costs more than signing with it."""

import hashlib
from collections import OrderedDict

from platform_core.security import Seal
from relay_worker.delivery.dkim import SigningKey
from relay_worker.queue.claims import SealedKey, SenderIdentity

MAX_KEPT = 10_000


class KeyRing:
    """The signing keys of the senders seen lately. A rotated key has other bytes, so it is never mistaken for the old."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._keys: OrderedDict[tuple[str, str, bytes], SigningKey] = OrderedDict()

    def keys(self, sender: SenderIdentity) -> tuple[SigningKey, ...]:
        """The keys that sign this sender's mail: its domain's, then its reseller's; none of either where there is none.

        Raises Unavailable when the seal does not fit.
        """
        sealed = []
        if sender.sealed_key is not None:
            sealed.append(SealedKey(sender.signing_domain, sender.selector, sender.sealed_key))
        # A second signature of the same domain would say nothing that the first has not said.
        if sender.second is not None and (not sealed or sender.second.domain != sender.signing_domain):
            sealed.append(sender.second)
        return tuple(self._open(one) for one in sealed)

    def _open(self, sealed: SealedKey) -> SigningKey:
        name = sealed.domain, sealed.selector, hashlib.sha256(sealed.sealed).digest()
        key = self._keys.get(name)
        if key is None:
            pem = self._seal.open(sealed.sealed)
            key = self._keys[name] = SigningKey.from_pem(sealed.domain, sealed.selector, pem)
            if len(self._keys) > MAX_KEPT:
                self._keys.popitem(last=False)
        else:
            self._keys.move_to_end(name)
        return key
