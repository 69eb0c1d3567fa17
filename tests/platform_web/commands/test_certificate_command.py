"""`frankpost hostname certificate`: what is taken, and what a mail client would refuse."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from platform_core.clock import StoppedClock
from platform_core.database import ResellerRef, db
from platform_core.security import Seal
from platform_core.settings import settings
from platform_dev.authority import IssuedCertificate, LocalAuthority
from tenants.hostnames.services import add_hostname
from tenants.models import Hostname, HostPurpose

Run = Callable[..., Result]


@pytest.fixture
def name(reseller: ResellerRef) -> str:
    """A second SMTP host name of the reseller, below a domain that the local authority may sign for."""
    added = add_hostname(db.session(), reseller.id, f"relay.{reseller.key}.example", HostPurpose.SMTP).name
    db.session.commit()
    return added


@pytest.fixture
def set_certificate(run: Run, reseller: ResellerRef, name: str, tmp_path: Path) -> Callable[..., Result]:
    def attempt(issued: IssuedCertificate, *, key: bytes | None = None, **options: Any) -> Result:
        (tmp_path / "chain.pem").write_bytes(issued.chain)
        (tmp_path / "key.pem").write_bytes(key or issued.key)
        to, owner = options.get("name", name), options.get("reseller", reseller.key)
        return run(
            f"hostname certificate {to} --reseller {owner} --chain {tmp_path}/chain.pem --key {tmp_path}/key.pem"
        )

    return attempt


def test_a_fitting_pair_is_stored_with_its_key_sealed(
    set_certificate: Callable[..., Result], name: str, tmp_path: Path
) -> None:
    issued = LocalAuthority(tmp_path).issue(name)
    assert set_certificate(issued).exit_code == 0
    stored = db.session.get_one(Hostname, name, populate_existing=True)
    assert stored.certificate == issued.chain
    assert stored.sealed_key is not None and b"PRIVATE" not in stored.sealed_key
    assert b"PRIVATE" in Seal(settings().secret_key.get_secret_value()).open(stored.sealed_key)


def test_a_wildcard_serves_one_label(
    set_certificate: Callable[..., Result], reseller: ResellerRef, tmp_path: Path
) -> None:
    assert set_certificate(LocalAuthority(tmp_path).issue(f"*.{reseller.key}.example")).exit_code == 0
    assert "is not for" in set_certificate(LocalAuthority(tmp_path).issue("*.example")).stderr


def test_another_names_certificate_is_refused(set_certificate: Callable[..., Result], tmp_path: Path) -> None:
    refused = set_certificate(LocalAuthority(tmp_path).issue("other.example"))
    assert (refused.exit_code, "is not for" in refused.stderr) == (1, True)


def test_another_certificates_key_is_refused(
    set_certificate: Callable[..., Result], name: str, tmp_path: Path
) -> None:
    authority = LocalAuthority(tmp_path)
    refused = set_certificate(authority.issue(name), key=authority.issue(name).key)
    assert (refused.exit_code, "does not belong" in refused.stderr) == (1, True)


def test_an_expired_certificate_is_refused(
    set_certificate: Callable[..., Result], name: str, tmp_path: Path
) -> None:
    long_ago = StoppedClock(datetime.now(UTC) - timedelta(days=500))
    refused = set_certificate(LocalAuthority(tmp_path, long_ago).issue(name))
    assert (refused.exit_code, "valid until" in refused.stderr) == (1, True)


def test_what_is_no_pem_is_refused(set_certificate: Callable[..., Result]) -> None:
    refused = set_certificate(IssuedCertificate(b"nonsense", b"nonsense"))
    assert (refused.exit_code, "must be PEM" in refused.stderr) == (1, True)


def test_a_name_of_another_reseller_gets_no_certificate(
    set_certificate: Callable[..., Result], make_reseller: Callable[..., Any], name: str, tmp_path: Path
) -> None:
    stranger = make_reseller().reseller
    refused = set_certificate(LocalAuthority(tmp_path).issue(name), reseller=stranger.key)
    assert (refused.exit_code, "no SMTP host name" in refused.stderr) == (1, True)
