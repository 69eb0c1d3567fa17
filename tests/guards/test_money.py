"""Money is whole numbers: in billing no float is written, named, or made."""

import ast
from pathlib import Path

import pytest

from platform_core.settings import ROOT

MODULES = sorted((ROOT / "billing").rglob("*.py"))
# Shares for people to look at, and seconds to wait; no amount is made of them.
ALLOWED = {"billing/ledger/queries.py", "billing/payments/stripe_gateway.py"}


def floats_in(source: str) -> list[str]:
    """Every float literal, every `float`, and every true division but those that join paths."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=float()):
                found.append(f"{node.lineno}: {node.value}")
            case ast.Name(id="float"):
                found.append(f"{node.lineno}: float")
            case ast.BinOp(op=ast.Div(), left=left, right=right) if not (_is_text(left) or _is_text(right)):
                found.append(f"{node.lineno}: /")
            case ast.AugAssign(op=ast.Div()):
                found.append(f"{node.lineno}: /=")
    return found


def _is_text(node: ast.expr) -> bool:
    """Or a path that ends in one."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(op=ast.Div(), right=right):
            return _is_text(right)
    return False


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_float_comes_near_money(module: Path) -> None:
    if str(module.relative_to(ROOT)) not in ALLOWED:
        assert floats_in(module.read_text(encoding="utf-8")) == []


def test_a_float_would_be_found() -> None:
    assert len(floats_in("x: float = 0.5\ny = 1 / 2\nz /= 3")) == 4
