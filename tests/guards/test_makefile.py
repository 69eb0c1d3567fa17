"""The Makefile explains itself, and a finished set-up is left alone."""

import os
import re
import subprocess
import sys
from pathlib import Path

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


def test_python_keeps_what_it_has_compiled_whatever_the_machine_says(tmp_path: Path) -> None:
    (tmp_path / "compiled.py").write_text("")
    rules = tmp_path / "rules.mk"
    rules.write_text(
        f"include {ROOT / 'Makefile'}\nimport:\n\t@cd {tmp_path} && {sys.executable} -c 'import compiled'\n"
    )
    unwilling = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["make", "--silent", "-f", rules, "import"], cwd=ROOT, env=unwilling, check=True)
    assert [*tmp_path.glob("__pycache__/compiled.*")]
