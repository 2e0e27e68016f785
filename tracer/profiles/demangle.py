"""Names of C++ as people write them, by the C++ library that every Linux with NumPy or PyArrow has."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

LONGEST = 8192
"""Longer names stay as they are: the library's demangler recurses, and the name comes from a file."""


def demangle(name: str) -> str:
    """``_Z3addPi`` as ``add(int*)``; any other name, and all of them where the library is missing, as it is."""
    if not name.startswith("_Z") or len(name) > LONGEST:
        return name
    call = _demangler()
    return name if call is None else call(name)


@cache
def _demangler() -> Callable[[str], str] | None:
    try:
        library = ctypes.CDLL("libstdc++.so.6")
        function, free = library["__cxa_demangle"], ctypes.CDLL(None).free
    except (OSError, AttributeError):
        return None
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int)]
    free.argtypes, free.restype = [ctypes.c_void_p], None

    def call(name: str) -> str:
        status = ctypes.c_int()
        found = function(name.encode("utf-8", "replace"), None, None, ctypes.byref(status))
        if not found:
            return name
        try:
            return ctypes.string_at(found).decode("utf-8", "replace")
        finally:
            free(found)

    return call
