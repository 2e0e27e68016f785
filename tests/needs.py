"""What some tests need beyond Python, and how a skip names it: one wording a cause, so that skips can be counted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path(os.environ.get("KWS_TRACE_CHROMIUM", "/usr/bin/chromium"))
NO_NSYS = "needs nsys in PATH (Debian: nsight-systems, of non-free)"
NO_RSYNC = "needs rsync in PATH"
NO_CHROMIUM = f"needs a browser, {CHROMIUM}; KWS_TRACE_CHROMIUM names another"

NO_CHECKER = "needs KWS_TRACE_CHECKER, the path of mlcommons/tiny's tools/submission/submission_checker.py"

needs_nsys = pytest.mark.skipif(shutil.which("nsys") is None, reason=NO_NSYS)


def official_checker() -> Path:
    """MLPerf Tiny's checker; the test is skipped where its path is not given."""
    if "KWS_TRACE_CHECKER" not in os.environ:
        pytest.skip(NO_CHECKER)
    return Path(os.environ["KWS_TRACE_CHECKER"])


def skip_without_nsys() -> None:
    """For a fixture, to which a mark says nothing."""
    if shutil.which("nsys") is None:
        pytest.skip(NO_NSYS)


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, closed at the end; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.is_file():
        pytest.skip(NO_CHROMIUM)
    with playwright.sync_playwright() as library:
        browser = library.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()
