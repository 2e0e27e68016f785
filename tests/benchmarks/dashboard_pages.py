"""
Each page of the dashboard on a run of 1,000,000 spans and 300,000 kernels.

``script_s`` is CPU time of the page's script: ``new`` of a run that was never read, ``kept`` in another process when
its summary lies in the cache folder, ``warm`` the second time in one process. ``painted_s`` is from the request, or
from the click in the list of pages, to what a browser has drawn; null without one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.dashboard_load import KERNELS, SPANS, large_run
from tests.children import served_dashboard
from tests.needs import chromium

PAGES = ("overview", "stages", "kernels", "limits", "compare", "runs")
SCRIPT = """
import sys, time
import dashboard.app
from streamlit.testing.v1 import AppTest
page, traces, run = sys.argv[1:]
script = f"from pathlib import Path\\nfrom dashboard.pages.{page} import show\\nshow(Path({traces!r}))"
shown = AppTest.from_string(script, default_timeout=600)
shown.query_params["run"] = run
for _ in range(2):
    begin = time.process_time()
    shown.run()
    print(time.process_time() - begin)
assert not shown.exception, shown.exception
"""


def measure(spans: int = SPANS, kernels: int = KERNELS) -> dict[str, Any]:
    """``script_s`` and ``painted_s`` of each page."""
    with tempfile.TemporaryDirectory() as folder:
        run = large_run(Path(folder) / "traces", spans, kernels)
        for path in run.rglob("*"):
            # A file that changed just now is not kept; the run of a user is older.
            os.utime(path, (1_700_000_000, 1_700_000_000))
        scripts = {page: _script_s(run, page, Path(folder) / f"cache-{page}") for page in PAGES}
        return {"spans": spans, "kernels": kernels, "script_s": scripts, "painted_s": _painted_s(run, Path(folder))}


def _script_s(run: Path, page: str, cache: Path) -> dict[str, float]:
    new, _ = _timed(run, page, cache)
    kept, warm = _timed(run, page, cache)
    return {"new": new, "kept": kept, "warm": warm}


def _timed(run: Path, page: str, cache: Path) -> list[float]:
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", SCRIPT, page, str(run.parent), run.name]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return [round(float(line), 2) for line in done.stdout.split()]


def _painted_s(run: Path, folder: Path) -> dict[str, dict[str, float]] | None:
    """``first``: the page's address in a browser; ``click``: from another page, all of them shown before."""
    from tests.test_dashboard_browser import Visit

    try:
        with served_dashboard(run.parent, folder / "log") as address, chromium() as browser:
            first = {}
            for page in PAGES:
                visit = Visit(browser, address)
                begin = time.perf_counter()
                visit.open(f"{page}?run={run.name}")
                first[page] = time.perf_counter() - begin
                visit.context.close()
            visit = Visit(browser, address)
            visit.open(f"runs?run={run.name}")
            found = {}
            for page in PAGES:
                begin = time.perf_counter()
                visit.page.locator("[data-testid=stSidebarNavLink]").filter(has_text=page.capitalize()).click()
                visit.page.locator("h1").filter(has_text=page.capitalize()).wait_for()
                visit.settle()
                found[page] = {"first": round(first[page], 2), "click": round(time.perf_counter() - begin, 2)}
            visit.context.close()
            return found
    except pytest.skip.Exception:
        return None
