"""What keeps the device under test small beside its runtime: a Nano has 4 GB for both and the GPU."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back_freed() -> None:
    """
    Return to the system what was freed while the model was read, where the C library can (glibc's ``malloc_trim``).

    LiteRT's generated schema leaves 32 MB of such memory behind.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
