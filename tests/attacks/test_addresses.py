"""Addresses that somebody else made, followed to every page of the real dashboard: none is an error of a page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.visitors import Visitor, failures
from tests.children import served_dashboard
from tests.conftest import ROOT

pytest.importorskip("streamlit", reason="Streamlit is not installed")

PAGES = ("", "stages", "kernels", "limits", "timeline", "compare", "runs", "fleet", "ladder")
KEYS = ("run", "with", "window", "inference", "from", "to", "stage", "device", "slice", "measure", "find", "baseline")
HOSTILE = (
    "",
    "-1",
    "1e400",
    "NaN",
    "9" * 18,
    "9" * 5_000,
    "0-0",
    f"{'9' * 18}-{'9' * 18}",
    "../../etc",
    "/etc/passwd",
    "a\0b\x1b[31m\u202e",
    "\ud800",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1)) $\\frac{1}{0}$ :red[x] :material/home:",
    "x" * 100_000,
)
RAW = ("&&&=&=", "%", "%zz=%ff%00", "run=%ff%fe", "run[]=a&run[__proto__]=b", "a=b;" * 20_000, "run=a#run=b")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("dashboard") / "log"
    with served_dashboard(ROOT / "traces", log) as served:
        yield served
    assert "Traceback" not in log.read_text()
    assert "Error" not in log.read_text()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_no_address_is_an_error_of_a_page(address: str, page: str) -> None:
    with Visitor(address) as visitor:
        for value in HOSTILE:
            # Half of them name no run: then the page has one of its own choice.
            run = {"run": "sample-gpu"} if HOSTILE.index(value) % 2 else {}
            drawn = visitor.ask(page, {**dict.fromkeys(KEYS, value), **run})
            assert drawn, (page, value[:50])
            assert failures(drawn) == [], (page, value[:50])
        for raw in RAW:
            assert failures(visitor.ask(page, raw)) == [], raw[:50]


def test_a_page_that_there_is_not_is_answered_and_so_is_the_next(address: str) -> None:
    with Visitor(address) as visitor:
        for page in ("../runs", "runs/", "x" * 10_000, "\x1b[31m", "profile", "_stcore"):
            visitor.ask(page)
        assert failures(visitor.ask("runs")) == []
