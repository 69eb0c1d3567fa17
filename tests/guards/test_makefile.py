"""The Makefile explains itself, and a finished set-up is left alone."""

import re
import subprocess

from platform_core.settings import ROOT

PROMISED = {"setup", "demo", "test", "check", "lint", "format", "bench", "soak", "clean", "help"}


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "--silent", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_help_lists_every_promised_target_with_a_sentence() -> None:
    listed = dict(re.findall(r"^  make (\S+) +(\S.+)$", make("help"), re.MULTILINE))
    assert set(listed) >= PROMISED


def test_help_is_what_bare_make_does() -> None:
    assert make() == make("help")
