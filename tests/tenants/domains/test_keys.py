"""DKIM keys and selectors."""

import base64

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from platform_core.security import Seal
from tenants.domains.keys import GeneratedKey, next_selector


def test_the_sealed_key_is_the_private_half_of_what_stands_in_dns(key: GeneratedKey, seal: Seal) -> None:
    private = load_pem_private_key(seal.open(key.sealed_key), password=None)
    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 2048
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert base64.b64decode(key.public_key) == public


def test_the_private_key_is_not_readable_without_the_secret(key: GeneratedKey) -> None:
    assert b"PRIVATE" not in key.sealed_key


def test_selectors_count_up() -> None:
    assert next_selector([]).startswith("s1-")
    assert next_selector(["s1", "s9-abcd", "s10-efgh"]).startswith("s11-")


def test_two_accounts_that_begin_with_one_domain_get_different_selectors() -> None:
    assert len({next_selector([]) for _ in range(50)}) > 45
