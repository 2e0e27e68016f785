"""What keeps the device under test small beside its runtime: a Nano has 4 GB for both and the GPU."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType


def leave_pandas_out() -> None:
    """
    Let pyarrow find that there is no pandas, where it has not looked yet; call before tables are imported.

    pyarrow imports an installed pandas at its first ``pa.array``, 38 MB that no recording needs, and asks once.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow

    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        pyarrow.array([0])
    finally:
        sys.meta_path.remove(absent)


def give_back_freed() -> None:
    """
    Return to the system what was freed while the model was read, where the C library can (glibc's ``malloc_trim``).

    LiteRT's generated schema leaves 32 MB of such memory behind.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


class _Absent:
    """A finder of modules to which pandas is not installed."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:  # noqa: ARG002
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out of a DUT", name=name)
