"""
``make structure``: how the rooms of a package hang together, in three numbers.

A room is a file or a folder at the first level of the package; folders of data and ``__init__.py`` are none. An arrow
goes from a room to another that it imports, wherever the import stands. A chain is a longest path along arrows; rooms
that import each other in a circle count each.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

DEFAULT = ("runner", "tracer", "dashboard")

Arrows = dict[str, set[str]]


def rooms_of(package: Path) -> dict[str, list[Path]]:
    """Each room's files of Python."""
    rooms = {path.stem: [path] for path in sorted(package.glob("*.py")) if path.name != "__init__.py"}
    for folder in sorted(path for path in package.iterdir() if path.is_dir()):
        if files := sorted(folder.rglob("*.py")):
            rooms[folder.name] = files
    return rooms


def arrows_of(package: Path) -> Arrows:
    """The other rooms that each room imports."""
    rooms = rooms_of(package)
    return {
        room: {name for path in files for name in _imported(path, package, rooms)} - {room}
        for room, files in rooms.items()
    }


def _imported(path: Path, package: Path, rooms: Mapping[str, object]) -> Iterator[str]:
    here = (package.name, *path.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*here[: len(here) - node.level + 1]] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from package import room` names the room last.
            names = [f"{stem}.{alias.name}" for alias in node.names]
        for name in names:
            words = name.split(".")
            if len(words) > 1 and words[0] == package.name and words[1] in rooms:
                yield words[1]


def circles(arrows: Arrows) -> list[set[str]]:
    """Sets of rooms that reach each other; a room in no circle stands alone."""
    reach = {room: _reached(room, arrows) for room in arrows}
    found: list[set[str]] = []
    for room in arrows:
        if not any(room in circle for circle in found):
            found.append({room} | {other for other in reach[room] if room in reach[other]})
    return found


def _reached(room: str, arrows: Arrows) -> set[str]:
    seen: set[str] = set()
    waiting = list(arrows[room])
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += arrows[one]
    return seen


def longest_chain(arrows: Arrows) -> list[str]:
    """Rooms along the longest path of arrows, the one that imports first; a circle's rooms stand together."""
    groups = circles(arrows)
    group_of = {room: number for number, group in enumerate(groups) for room in group}
    chains: dict[int, list[str]] = {}

    def chain(number: int) -> list[str]:
        if number not in chains:
            after = {group_of[other] for room in groups[number] for other in arrows[room]} - {number}
            best: list[str] = max((chain(one) for one in sorted(after)), key=len, default=[])
            chains[number] = [*sorted(groups[number]), *best]
        return chains[number]

    return max((chain(number) for number in range(len(groups))), key=len, default=[])


def lines_of(package: Path) -> list[str]:
    """What is printed of a package."""
    arrows = arrows_of(package)
    chain = longest_chain(arrows)
    said = [
        f"{package.name}: {len(arrows)} rooms, longest chain {len(chain)}, {sum(map(len, arrows.values()))} arrows",
        f"  chain: {' > '.join(chain)}",
    ]
    said += [f"  circle: {', '.join(sorted(group))}" for group in circles(arrows) if len(group) > 1]
    return said


def main(words: list[str]) -> None:
    """Print the numbers of the packages that are named."""
    parser = argparse.ArgumentParser(prog="make structure", description="rooms, longest chain of imports, arrows")
    parser.add_argument("packages", nargs="*", default=DEFAULT, help="folders; by default %(default)s")
    for name in parser.parse_args(words).packages:
        sys.stdout.write("\n".join(lines_of(Path(name))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
