"""The sites with the payment service set up."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from platform_core.settings import Settings
from platform_dev.redis import EmbeddedRedis
from tests.fixtures_web import sites_with
from whitelabel.hosts import HostDispatcher


@pytest.fixture(scope="session")
def paid_web(redis_server: EmbeddedRedis, database: Settings) -> Iterator[HostDispatcher]:
    with sites_with(
        stripe_secret_key=SecretStr("sk_test_1"),
        stripe_webhook_secret=SecretStr("whsec_platform"),
        stripe_connect_webhook_secret=SecretStr("whsec_connect"),
    ) as sites:
        yield sites
