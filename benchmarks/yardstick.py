"""How fast the machine is just now: what one rsa-2048 signature costs, of which each message needs one.

CPU time is no fixed measure on a shared machine: the same work takes up to twice of it while neighbours are busy. A
message counted in signatures of the same minute can be compared with another day's.
"""

import time

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

_SIGNATURES = 1000


def signature_ms() -> float:
    """CPU milliseconds of one signature, now."""
    key = rsa.generate_private_key(65537, 2048)
    before = time.process_time()
    for number in range(_SIGNATURES):
        key.sign(number.to_bytes(4, "big"), PKCS1v15(), SHA256())
    return 1000 * (time.process_time() - before) / _SIGNATURES
