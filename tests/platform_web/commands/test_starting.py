"""How fast a process is up again after a crash depends on what it loads."""

import subprocess
import sys

import pytest

NEEDLESS = {"billing", "whitelabel", "stripe", "weasyprint"}


@pytest.mark.parametrize("command", ["relay", "worker"])
def test_what_moves_the_mail_loads_nothing_of_billing_or_pages(command: str) -> None:
    load = f"from platform_web.cli import frankpost; assert frankpost.get_command(None, {command!r})"
    tell = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", f"{load}; {tell}"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "relay_worker" in loaded
    assert not NEEDLESS & set(loaded)
