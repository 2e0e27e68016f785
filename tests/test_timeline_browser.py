"""The Timeline and Kernels pages in a real browser: a zoom, a hover, both colour schemes, nothing in the console."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.children import served_dashboard
from tests.dashboard_runs import HOSTILE, gpu_run
from tests.needs import chromium

pytestmark = pytest.mark.slow

CHART = ".stVegaLiteChart canvas, .stVegaLiteChart svg"
CAPTION = "[data-testid=stCaptionContainer]"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("streamlit")
    traces = tmp_path_factory.mktemp("traces")
    gpu_run(traces, "gpu")
    with served_dashboard(traces, tmp_path_factory.mktemp("server") / "log") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


class Watched:
    """A page, what its console said, and where it asked."""

    def __init__(self, browser: Any, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": 1500, "height": 1300}, color_scheme=scheme)
        self.page.set_default_timeout(60_000)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, message: Any) -> None:
        # Below a page's path Streamlit first looks for its server there; the answer is a 404 by design.
        known = message.type == "error" and "_stcore" in message.location.get("url", "")
        if message.type == "error" and not known:
            self.said.append(f"{message.text} {message.location}")

    def quiet(self, address: str) -> bool:
        local = (address, address.replace("http", "ws"), "data:", "blob:")
        assert self.said == []
        return all(url.startswith(local) for url in self.asked)

    def open(self, url: str, charts: int = 2) -> None:
        self.page.goto(url)
        self.page.locator(CHART).nth(charts - 1).wait_for()


def keep(page: Any, name: str, folder: Path) -> None:
    """A screenshot of the whole page, for a person to look at."""
    place = Path(os.environ.get("KWS_TRACE_SCREENSHOTS", folder))
    place.mkdir(parents=True, exist_ok=True)
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1500, "height": max(height, 700)})
    page.locator(CHART).first.wait_for()
    page.screenshot(path=place / f"{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_are_drawn_without_an_error_or_a_request_that_leaves_the_machine(
    address: str, browser: Any, scheme: str, tmp_path: Path
) -> None:
    for name in ("timeline", "kernels"):
        watched = Watched(browser, scheme)
        watched.open(f"{address}/{name}?run=gpu")
        keep(watched.page, f"{name}-{scheme}", tmp_path)
        assert watched.quiet(address)
        box = watched.page.locator(CHART).last.bounding_box()
        assert box["width"] > 600
        assert box["height"] > 150
        watched.page.close()


def test_a_drag_over_the_overview_zooms_and_the_address_says_where(address: str, browser: Any) -> None:
    watched = Watched(browser)
    page = watched.page
    watched.open(f"{address}/timeline?run=gpu&from=0&to=1000000000")
    before = page.locator(CAPTION).first.inner_text()
    box = page.locator(CHART).first.bounding_box()
    # Up to the right edge: what was captured comes last.
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 3, box["y"] + 30, steps=5)
    page.mouse.up()
    page.wait_for_function(
        "before => document.querySelector('[data-testid=stCaptionContainer]').innerText !== before", arg=before
    )
    page.wait_for_function("!location.search.includes('from=0&')")
    bounds = dict(part.split("=") for part in page.url.split("?")[1].split("&"))
    assert 50e9 < int(bounds["from"]) < 80e9 < int(bounds["to"])
    page.get_by_role("button", name="Closer").click()
    page.wait_for_function("before => location.search !== before", arg="?" + page.url.split("?")[1])
    assert watched.quiet(address)
    page.close()


def test_a_hover_tells_the_whole_name_and_the_exact_times_and_a_name_is_only_text(address: str, browser: Any) -> None:
    watched = Watched(browser)
    page = watched.page
    watched.open(f"{address}/timeline?run=gpu")
    chart = page.locator(".stVegaLiteChart").nth(1)
    box = chart.bounding_box()
    seen = ""
    # The fifth lane has the kernels; the fourth of each four has the hostile name.
    for step in range(60):
        page.mouse.move(box["x"] + 130 + (box["width"] - 150) * step / 60, box["y"] + 100)
        page.wait_for_timeout(100)
        tooltip = page.locator("#vg-tooltip-element.visible")
        if tooltip.count():
            seen += tooltip.inner_text() + "\n"
    assert "implicit_convolve_sgemm<float, float, 128, 6, 7, 3, 3, 5, 1, true, false, true>(int, int)" in seen
    assert "launched in session_run" in seen
    assert HOSTILE[:20] in seen
    assert " ns" in seen
    assert page.locator("#vg-tooltip-element img").count() == 0
    assert watched.quiet(address)
    page.close()
