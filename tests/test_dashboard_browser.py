"""The dashboard in a real browser: every page, light and dark, no error, and no request that leaves the machine."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import dashboard_runs as runs
from tests.test_palette import contrast
from tracer.figure_text import official_rate_text
from tracer.palette import LETTERS
from tracer.reports.report import build_report
from tracer.runs.run_store import stored_run

pytestmark = pytest.mark.slow

PAGES = ("Overview", "Stages", "Kernels", "Limits", "Timeline", "Compare", "Runs", "Fleet", "Ladder")
OF_THE_FOLDER = ("Runs", "Fleet", "Ladder")
"""Pages of no one run."""
SHIFTS = """new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifted = (window.shifted ?? 0) + one.value;
}).observe({type: "layout-shift", buffered: true});"""
MOST_SHIFTED = 0.1
"""Sum of the layout shifts of a page (https://web.dev/articles/cls): "good" up to here."""
TIMELINE = "iframe.stCustomComponentV1"
GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
WORDS = """[...document.querySelectorAll('[data-testid=stVegaLiteChart] svg text')]
  .filter((one) => one.textContent).map((one) => one.getAttribute('fill'))"""
"""The colours of what a chart that is drawn as SVG says."""
PROBED = re.compile(r"/\w+/_stcore/(health|host-config)")
"""Opened at a page's address, Streamlit first looks for its server below it, finds none, and looks at the root."""


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.every_kind(folder)
    runs.gpu_run(folder, "gpu-slow", runs.windows_of(slower=1.2, seed=3))
    runs.plain_run(folder, "official", runs.windows_of(captured=0, seed=5, long=True), stages_mode="fused")
    return folder


class Visit:
    """A page that notes what goes wrong in it."""

    def __init__(self, browser: Any, address: str, scheme: str = "light") -> None:
        self.context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.address, self.errors, self.requests = address, [], []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _said(self, message: Any) -> None:
        if message.type == "error" and not PROBED.search(message.location.get("url", "")):
            self.errors.append(f"{message.text} {message.location}")

    def open(self, path: str) -> None:
        self.page.goto(f"{self.address}/{path}")
        self.settle()

    def settle(self) -> None:
        """Until the script has ended and every chart is drawn."""
        self.page.locator("h1").first.wait_for()
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
        self.page.locator("[data-testid=stSpinner]").first.wait_for(state="detached")
        # Parts of the browser's own program that have yet to come.
        self.page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
        charts = self.page.locator("[data-testid=stVegaLiteChart]")
        for place in range(charts.count()):
            # In a folded part it is there and not to be seen.
            charts.nth(place).locator("canvas, svg").first.wait_for(state="attached")
        if self.page.locator(TIMELINE).count():
            self.page.frame_locator(TIMELINE).locator("canvas[data-detail=there]").wait_for()

    def keep(self, name: str, folder: Path) -> Path:
        """A picture of the whole page."""
        seen = 0
        while seen != (height := self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")):
            seen = height
            self.page.set_viewport_size({"width": 1280, "height": min(6000, max(900, height))})
            self.page.wait_for_timeout(700)
            self.settle()
        path = folder / f"{name}.png"
        self.page.screenshot(path=str(path))
        self.page.set_viewport_size({"width": 1280, "height": 900})
        return path

    def leave(self) -> None:
        self.context.close()
        hosts = {urlsplit(url).hostname for url in self.requests if not url.startswith(("data:", "blob:"))}
        assert hosts == {"127.0.0.1"}
        assert not self.errors, self.errors


BROKEN = """[...document.querySelectorAll('[data-testid=stMetric] p, [data-testid=stMetricValue]')].flatMap(place => {
  const words = [];
  const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    for (const { 0: word, index } of node.data.matchAll(/\\S+/g)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = new Set([...range.getClientRects()].map(one => Math.round(one.top)));
      if (tops.size > 1) words.push(word);
    }
  }
  return words;
})"""
"""Words of figures that go over two lines."""
CUT = """[...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')].flatMap(chart => {
  const whole = chart.getBoundingClientRect();
  return [...chart.querySelectorAll('text')].filter(text => {
    const box = text.getBoundingClientRect();
    return box.width && (box.left < whole.left || box.right > whole.right);
  }).map(text => text.textContent);
})"""
"""Words of charts that reach over their chart's edge."""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("KWS_TRACE_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def path_of(page: str) -> str:
    return "" if page == "overview" else page


def there(visit: Visit) -> list[str]:
    """The pages in the sidebar, in the order of ``PAGES``."""
    shown = visit.page.locator("[data-testid=stSidebarNavLink]").all_inner_texts()
    return [page for page in PAGES if any(page in text for text in shown)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_reached_by_clicks_and_keeps_the_run(
    browser: Any, address: str, traces: Path, pictures: Path, scheme: str
) -> None:
    visit = Visit(browser, address, scheme)
    visit.open("?run=gpu")
    text = visit.page.locator("[data-testid=stMain]").inner_text()
    assert official_rate_text(build_report(stored_run("gpu", traces))["median_rate_hz"]) in text
    pages = there(visit)
    assert {"Overview", "Stages", "Compare", "Runs"} <= set(pages)
    for page in pages:
        visit.page.locator("[data-testid=stSidebarNavLink]").filter(has_text=page).click()
        visit.page.locator("h1").filter(has_text=page).wait_for()
        visit.settle()
        if page not in OF_THE_FOLDER:
            visit.page.wait_for_url(re.compile("run=gpu"))
        assert not visit.page.locator("[data-testid=stException]").count()
        picture = visit.keep(f"{page.lower()}-{scheme}", pictures)
        assert picture.stat().st_size > 20_000
    visit.leave()


def test_a_bar_of_the_icicle_opens_its_page_without_loading_the_app_anew(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    visit.open("?run=gpu")
    visit.page.evaluate("window.mine = 1")
    bar = visit.page.locator(".kp-icicle a[href^='/kernels']").first
    bar.focus()
    visit.page.keyboard.press("Enter")
    visit.page.locator("h1").filter(has_text="Kernels").wait_for()
    visit.page.wait_for_url(re.compile("kernels.*run=gpu"))
    visit.settle()
    visit.page.go_back()
    visit.page.locator("h1").filter(has_text="Overview").wait_for()
    assert visit.page.evaluate("window.mine") == 1
    visit.leave()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_shows_the_same_comparison(browser: Any, address: str, pictures: Path, scheme: str) -> None:
    visit = Visit(browser, address, scheme)
    visit.open("compare?run=gpu&with=gpu-slow&with=ops&with=official")
    text = visit.page.locator("[data-testid=stMain]").inner_text()
    assert "gpu-slow against gpu (the baseline): these two launches" in text
    assert "stages split against fused" in text
    visit.keep(f"compare-runs-{scheme}", pictures)
    visit.leave()


@pytest.mark.parametrize("kind", ["damaged", "damaged-capture", "ops"])
def test_other_runs_are_shown_too(browser: Any, address: str, pictures: Path, kind: str) -> None:
    visit = Visit(browser, address)
    visit.open(f"?run={kind}")
    assert not visit.page.locator("[data-testid=stException]").count()
    visit.keep(f"overview-{kind}", pictures)
    visit.leave()


def test_a_run_being_recorded_refreshes_and_stops_when_it_has_ended(browser: Any, address: str, traces: Path) -> None:
    writer = runs.recording_run(traces, "now")
    visit = Visit(browser, address)
    visit.open("?run=now")
    timed = visit.page.locator("[data-testid=stMetric]").filter(has_text="timed")
    timed.filter(has_text="80").wait_for()
    writer.append(runs.windows_of(3, captured=0)[2])
    timed.filter(has_text="120").wait_for()
    writer.close()
    visit.page.get_by_text("being recorded").first.wait_for(state="detached")
    visit.leave()


def test_a_run_is_opened_from_the_list(browser: Any, address: str) -> None:
    visit = Visit(browser, address)
    visit.open("runs")
    visit.page.get_by_role("textbox", name="Search").fill("gpu-slow")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("1 of ").wait_for()
    visit.settle()
    visit.page.wait_for_timeout(1000)
    box = visit.page.locator("[data-testid=stDataFrame]").first.bounding_box()
    # The table is a picture: its first column holds the ticks, its first row the names of the columns.
    visit.page.mouse.click(box["x"] + 16, box["y"] + 52)
    visit.page.locator("[data-testid=stButton] button").filter(has_text="Open").click()
    visit.page.locator("h1").filter(has_text="Overview").wait_for()
    visit.page.wait_for_url(re.compile("run=gpu-slow"))
    visit.leave()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", [page.lower() for page in PAGES])
def test_a_page_has_no_serious_finding_of_axe_and_fits_768_pixels(
    browser: Any, address: str, page: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    visit = Visit(browser, address, scheme)
    visit.page.set_viewport_size({"width": 768, "height": 900})
    visit.page.add_init_script(SHIFTS)
    visit.open(f"{path_of(page)}?run=gpu&with=gpu-slow")
    assert visit.page.evaluate("window.shifted ?? 0") < MOST_SHIFTED
    # Streamlit's own header lies over the top of a page.
    seen = "(([x, y]) => !!document.elementFromPoint(x, y).closest('.st-key-page_head'))"
    for part in visit.page.locator(".st-key-page_head h1, .st-key-page_head [data-testid=stText]").all():
        box = part.bounding_box()
        assert visit.page.evaluate(f"{seen}([{box['x'] + 5}, {box['y'] + box['height'] / 2}])")
    main = "document.querySelector('[data-testid=stMain]')"
    assert visit.page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    visit.page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = visit.page.evaluate("async () => (await axe.run()).violations")
    serious = [one for one in found if one["impact"] in ("serious", "critical") or one["id"] == "heading-order"]
    assert not serious, [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious]
    # axe reads no words of a drawing: those that stand on the page's ground, and not on a mark.
    ground = "#" + "".join(f"{int(one):02x}" for one in re.findall(r"\d+", visit.page.evaluate(GROUND))[:3])
    words = set(visit.page.evaluate(WORDS)) - {LETTERS}
    assert all(contrast(word, ground) >= 4.5 for word in words), (words, ground)
    visit.leave()


@pytest.mark.parametrize("page", [page.lower() for page in PAGES])
def test_a_page_keeps_its_places_while_it_loads(browser: Any, address: str, page: str) -> None:
    visit = Visit(browser, address)
    visit.page.set_viewport_size({"width": 1280, "height": 800})
    visit.page.add_init_script(SHIFTS)
    visit.open(f"{path_of(page)}?run=gpu")
    assert visit.page.evaluate("window.shifted ?? 0") < MOST_SHIFTED
    visit.leave()


@pytest.mark.parametrize("page", [page.lower() for page in PAGES])
def test_at_800_pixels_no_word_is_broken_or_cut(browser: Any, address: str, page: str) -> None:
    visit = Visit(browser, address)
    visit.page.set_viewport_size({"width": 800, "height": 900})
    visit.open(f"{path_of(page)}?run=gpu&with=gpu-slow")
    assert visit.page.evaluate(BROKEN) == []
    assert visit.page.evaluate(CUT) == []
    visit.leave()
