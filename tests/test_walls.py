"""The rooms import only what the design allows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "tracer": {"runner", "dashboard", "tensorflow", "serial", "streamlit"},
    "runner": {"dashboard", "streamlit"},
    "dashboard": {"runner", "serial", "tensorflow"},
}
HEAVY = {"numpy", "pandas", "pyarrow", "scipy", "sklearn", "serial", "tensorflow", "ai_edge_litert", "streamlit"}


def imports(path: Path, *, top_level: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_imports_nothing_across_a_wall(room: str) -> None:
    files = list((ROOT / room).rglob("*.py"))
    assert files
    crossed = {
        (str(path.relative_to(ROOT)), name)
        for path in files
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[room]
    }
    assert not crossed


def test_commands_import_nothing_heavy_before_they_run() -> None:
    light = [ROOT / "runner" / "cli.py", *(ROOT / "runner" / "commands").glob("*.py")]
    heavy = {
        (path.name, name) for path in light for name in imports(path, top_level=True) if name.split(".")[0] in HEAVY
    }
    assert not heavy


def test_the_lock_pins_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert not (ROOT / "uv.lock").exists()
