"""
What happened: record, store, report. Imports no TensorFlow, no serial line, no Streamlit.

For programs and notebooks: ``open_run`` and ``open_profile``, and what they give. Only what ``__all__`` names is
public; every other module and name of the package may change without notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.public import OpenProfile, OpenRun, ProfileBreakdown, RunReport, open_profile, open_run

__all__ = ["OpenProfile", "OpenRun", "ProfileBreakdown", "RunReport", "open_profile", "open_run"]


def __getattr__(name: str) -> object:
    # When asked for: the command line imports this package, and starts without pyarrow.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are {', '.join(__all__)}")
    from tracer import public

    return getattr(public, name)
