"""``make dead-code``: names that the product does not use; those that only tests use are told apart."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vulture import Vulture

from runner.command_table import COMMANDS

PRODUCT = ("tracer", "runner", "dashboard")
TESTS = ("tests", "tools")
DECORATORS = ["@*.command", "@*.command(*)", "@*.callback", "@*.callback(*)"]

ALLOWED = {
    "lap_start_us": "a column of the windows: written by `asdict`",
    "lap_end_us": "a column of the windows: written by `asdict`",
    "first_inference": "a column of the windows: written by `asdict`",
    "input_sha256": "a column of the windows: written by `asdict`",
    "schema_version": "of run.json: written by `asdict`",
    "python": "of run.json: written by `asdict`",
    "outside_ns": "of a capture's facts: written by `asdict`",
    "bracket_ns": "of a capture's facts: written by `asdict`",
    "cpu_ratio_spread": "a key of the ledger's JSON",
    "process_renderables": "of a hook of rich: its console asks for it",
    "to_json": "of the public interface",
    "_repr_html_": "of the public interface: a notebook asks for it",
    "__getattr__": "of the package `tracer`: Python asks for it",
    **{name.replace("-", "_"): "a command: imported by its name" for named in COMMANDS.values() for name in named},
}
"""Names that are used in a way that a reader of the source cannot see, and how."""


@dataclass(frozen=True, slots=True, order=True)
class Unused:
    """A name that the product does not use."""

    path: Path
    line: int
    name: str
    kind: str
    in_tests: bool

    def __str__(self) -> str:
        """As a compiler would say it."""
        by = "only tests use it" if self.in_tests else "nothing uses it"
        return f"{self.path}:{self.line}: {self.kind} {self.name}: {by}"


def unused(product: Iterable[Path], tests: Iterable[Path], allowed: Mapping[str, str] = ALLOWED) -> list[Unused]:
    """
    What no file of the product uses.

    Args:
        product: folders whose names are looked at.
        tests: folders whose uses do not count.
        allowed: names that are not told.
    """
    product = list(product)
    search = Vulture(ignore_decorators=DECORATORS)
    search.scavenge([str(path) for path in product])
    spoken = {word for path in product for word in _words(path, strings=True)}
    tested = {word for path in tests for word in _words(path, strings=False)}
    return sorted(
        Unused(_relative(Path(item.filename)), item.first_lineno, item.name, item.typ, item.name in tested)
        for item in search.get_unused_code()
        if item.name not in allowed and item.name not in spoken and not _of_a_foreign_object(item)
    )


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _words(folder: Path, *, strings: bool) -> set[str]:
    """Names in the folder's code, or those in its strings of one word (``"package.module:function"``)."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if strings and isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.fullmatch(r"[\w.:]+", node.value):
                    found.update(re.findall(r"\w+", node.value))
            elif not strings and isinstance(node, ast.Name | ast.Attribute):
                found.add(node.id if isinstance(node, ast.Name) else node.attr)
            elif not strings and isinstance(node, ast.alias):
                found.add(node.name)
            elif not strings and isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
    return found


def _of_a_foreign_object(item: object) -> bool:
    """An attribute that is set on what another library made: it reads it, we do not."""
    if getattr(item, "typ", "") != "attribute":
        return False
    lines = Path(str(getattr(item, "filename", ""))).read_text(encoding="utf-8").splitlines()
    return f"self.{getattr(item, 'name', '')}" not in lines[getattr(item, "first_lineno", 1) - 1]


def main() -> int:
    """Print what is found; 1 where there is something."""
    found = unused(map(Path, PRODUCT), map(Path, TESTS))
    for one in found:
        sys.stdout.write(f"{one}\n")
    sys.stdout.write(f"{len(found)} names that the product does not use\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
