"""
Has every ``import pandas`` of a process fail, as where it is not installed.

The first ``pyarrow.array`` imports pandas where it is, to ask whether what it was given is of it: half a second and
30 MB of every command, and no command gives it any. The dashboard and notebooks, which do, are processes that do not
pass here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType


class _NoPandas:
    """A finder of modules that finds pandas nowhere."""

    def find_spec(self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("kws-trace's commands do without pandas", name=name)


def leave_out_pandas() -> None:
    """Do so from now on; where pandas is imported already it stays."""
    sys.meta_path.insert(0, _NoPandas())
