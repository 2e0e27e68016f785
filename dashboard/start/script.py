"""``streamlit run script.py -- TRACES [PAGE]``, as ``kws-trace dashboard`` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from dashboard.app import show

show(Path(sys.argv[1] if len(sys.argv) > 1 else "traces"), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
