"""Names of kernels side by side: the last segment, and as much more as tells one from another; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tracer.kernels.kernel_names import short_name

LONGEST_LABEL = 60
_WORD = re.compile(r"[A-Za-z_]\w*|\d+")
_BRACKET = re.compile(r"[<(/]")
_SAYS_NOTHING = frozenset(
    {"void", "const", "int", "unsigned", "long", "char", "bool", "true", "false", "std", "typename"}
)


def last_segment(name: str) -> str:
    """What a name ends in: ``vectorized_elementwise_kernel`` of a C++ name, ``Conv2D`` of ``a/b/Conv2D``."""
    short = short_name(name)
    if not _BRACKET.search(name) and "::" in name:
        # Of what a runtime calls its own work, the last word alone says nothing: `Process`, `Start`.
        return short
    segment = short.rpartition("::")[2].rpartition("/")[2]
    # A function called kernel is told by what it lies in.
    return short if not segment.lower().replace("kernel", "").rstrip("0123456789") else segment


def distinct_labels(names: Sequence[str]) -> Mapping[str, str]:
    """
    A label for each name, no two the same.

    Names of one last segment get in brackets the first words that the others of it lack, such as their functor; where
    no word tells them apart, a number in the order given.
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(last_segment(name), []).append(name)
    labels: dict[str, str] = {}
    for segment, alike in groups.items():
        labels |= {alike[0]: segment} if len(alike) == 1 else _told_apart(segment, alike)
    return labels


def _told_apart(segment: str, names: Sequence[str]) -> dict[str, str]:
    words = {name: [one for one in _WORD.findall(name) if one not in _SAYS_NOTHING] for name in names}
    common = set.intersection(*(set(found) for found in words.values()))
    labels: dict[str, str] = {}
    for name in names:
        own = [one for one in dict.fromkeys(words[name]) if one not in common]
        # As few words as tell it from the others of the segment.
        others = [set(words[other]) for other in names if other != name]
        used: list[str] = []
        for word in own:
            used.append(word)
            if not any(set(used) <= other for other in others):
                break
        labels[name] = f"{segment} ({' '.join(used)})"[:LONGEST_LABEL] if used else segment
    return _numbered(labels)


def _numbered(labels: Mapping[str, str]) -> dict[str, str]:
    of_label, seen = Counter(labels.values()), Counter[str]()
    found: dict[str, str] = {}
    for name, label in labels.items():
        seen[label] += 1
        found[name] = f"{label} #{seen[label]}" if of_label[label] > 1 else label
    return found
