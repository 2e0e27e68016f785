"""Which tests import a module: directly, or through the fewest modules in between; from the source alone."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path


def module_name(path: Path) -> str:
    """``tracer/kernels/launches.py`` is ``tracer.kernels.launches``."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(root: Path, folders: Iterable[str]) -> dict[str, set[str]]:
    """What each module of the folders imports of the others; a test file is the module of its path."""
    paths = [path.relative_to(root) for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    names = {module_name(path) for path in paths}
    return {module_name(path): _imported(root / path) & names for path in paths}


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def nearest_tests(module: str, graph: dict[str, set[str]]) -> list[str]:
    """Test modules (``tests.test_*``) that import it, those of the fewest steps; empty where none reaches it."""
    importers: dict[str, set[str]] = defaultdict(set)
    for name, imported in graph.items():
        for one in imported:
            importers[one].add(name)
    seen, level = {module}, {module}
    while level:
        level = {name for one in level for name in importers[one]} - seen
        seen |= level
        tests = sorted(name for name in level if name.rpartition(".")[2].startswith("test_"))
        if tests:
            return tests
    return []
