"""The report as one HTML file: its figures are the report's, nothing in it acts, nothing of the machine is in it."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests import dashboard_runs as runs
from tests.needs import chromium
from tests.test_unit_breakdown import threaded_report
from tracer.errors import UsageError
from tracer.figure_text import official_rate_text, share_text, time_text
from tracer.harmless_text import harmless
from tracer.palette import BY_MEANING
from tracer.report_types.report import Report
from tracer.reports.breakdown_rows import gain_interval_text, gain_text
from tracer.reports.html.export import run_html
from tracer.reports.html.figures import Part, latency_bars, rate_dots, stacked_bar, unit_timeline
from tracer.reports.html.markup import element
from tracer.reports.html.one_unit import DrawnLane, DrawnUnit, Slice
from tracer.reports.html.privacy import Private
from tracer.reports.html.run_document import run_document
from tracer.reports.html.tables import MOST_ROWS
from tracer.reports.html.unit_document import unit_document
from tracer.reports.launch_report import build_launch_report, launch_rows
from tracer.reports.report import build_report
from tracer.runs.launch_set import launch_set
from tracer.runs.run_info import write_run_info
from tracer.runs.run_store import StoredRun, stored_run

MOST_BYTES = 3_000_000
ACTS = re.compile(r"script|iframe|object|embed|link|img|base|form|input|use|image|foreignobject|animate|a|svg")
PLAIN = {"svg", "a"}
GPU_NUMBER = "GPU-8cfd9375-223d-08fa-99e2-54b8a71a358d"


class Parsed(HTMLParser):
    """The elements of a document, its words, and the rows of its tables; fails where elements do not nest."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return "\n".join(self.words)


def acting(parsed: Parsed) -> list[str]:
    """What a browser would run, fetch or follow out of the document."""
    found = [tag for tag in parsed.tags - PLAIN if ACTS.fullmatch(tag)]
    for name, value in parsed.attributes:
        leads = name in ("href", "src", "action", "xlink:href") and not value.startswith("#")
        if name.startswith("on") or leads or "url(" in value or (name == "style" and "expression" in value):
            found.append(f"{name}={value}")
    return found


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("some traces")
    runs.gpu_run(folder, "gpu")
    runs.gpu_run(folder, "slower", runs.windows_of(slower=1.2, seed=1))
    return folder


@pytest.fixture(scope="module")
def run(traces: Path) -> StoredRun:
    return stored_run("gpu", traces)


@pytest.fixture(scope="module")
def report(run: StoredRun) -> Report:
    return build_report(run)


def document_of(report: Report, drawn: DrawnUnit | None = None) -> str:
    return run_document(report, None, drawn, Private(), "1")


def test_every_figure_is_that_of_the_report(run: StoredRun, report: Report) -> None:
    parsed = Parsed(run_html(run, report))
    rows = {row[0]: row[1:] for row in reversed(parsed.rows)}
    for stage in [*report["stages"], report["inference"]]:
        times = [time_text(stage["median_ns"]), time_text(stage["p90_ns"]), time_text(stage["p99_ns"])]
        assert rows[stage["stage"]][1:] == [*times, share_text(stage["share"])]
    assert report["kernels"]
    for kernel in report["kernels"]:
        row = next(one for one in parsed.rows if one[0].endswith(kernel["name"]))
        assert row[1:3] == [time_text(kernel["ns_per_inference"]), share_text(kernel["share"])]
    for gain in report["gains"]:
        if gain["gain_ns"] is None or gain["gain_ns"] >= 0.5:
            assert [gain_text(gain), gain_interval_text(gain)] in [row[3:5] for row in parsed.rows]
    assert official_rate_text(report["median_rate_hz"]).split()[0] in parsed.words


def test_a_comparison_says_the_sentence_of_compare(traces: Path, run: StoredRun, report: Report) -> None:
    from tracer.reports.compare_report import compare_sides, launches_of

    other = stored_run("slower", traces)
    told = compare_sides([launches_of([other]), launches_of([run])], baseline="slower")
    assert told["comparisons"][0]["sentence"] in Parsed(run_html(run, report, other)).text


def test_a_comparison_explains_its_brackets_and_says_what_was_compared_only_where_something_was(
    tmp_path: Path,
) -> None:
    for name, windows in (("one", runs.windows_of(2)), ("two", runs.windows_of(2, seed=1))):
        runs.gpu_run(tmp_path, name, windows)
    first, other = (stored_run(name, tmp_path) for name in ("one", "two"))
    median = build_report(other)["inference"]["spread"]
    assert median["kind"] == "range"
    told = Parsed(run_html(other, build_report(other), first)).text
    assert "[ ] is a range, no interval: " + median["reason"] in told
    assert "Compared are geometric means" in told
    write_run_info(first.folder / "run.json", replace(first.info, stages_mode="fused"))
    refused = Parsed(run_html(other, build_report(other), stored_run("one", tmp_path))).text
    assert "not compared" in refused
    assert "Compared are geometric means" not in refused


def test_copies_are_shown_where_a_profile_has_neither_kernels_nor_calls(report: Report) -> None:
    copies = [{**report["kernels"][0], "name": "[CUDA memcpy Host-to-Device]", "short_name": "[CUDA memcpy]"}]
    of_copies: Report = {**report, "kernels": [], "api": [], "kernels_by_stage": [], "copies": copies}
    assert any("[CUDA memcpy Host-to-Device]" in row[0] for row in Parsed(document_of(of_copies)).rows)
    without: Report = {**of_copies, "copies": [], "gains": []}
    assert not {"Kernels", "Gains"} & set(Parsed(document_of(without)).words)


def test_nothing_in_it_acts_or_leads_out(run: StoredRun, report: Report) -> None:
    document = run_html(run, report)
    parsed = Parsed(document)
    assert acting(parsed) == []
    assert "://" not in document
    assert "default-src 'none'" in dict(parsed.attributes[:4])["content"]


def test_each_timed_inference_is_in_one_bar_of_the_histogram(run: StoredRun, report: Report) -> None:
    drawing = run_html(run, report).partition("Spread of the inferences")[2].partition("</svg>")[0]
    counts = [int(one.replace(",", "")) for one in re.findall(r"<title>([\d,]+): ", drawing)]
    assert sum(counts) == report["inference"]["count"]
    assert f"p99 {time_text(report['inference']['p99_ns'])}" in drawing


def test_a_hostile_name_stays_a_name(report: Report) -> None:
    hostile = f"</style></title><script>alert(1)</script>{runs.HOSTILE}\x00\ud800"
    kernels = [{**one, "name": hostile, "short_name": hostile} for one in report["kernels"]]
    facts = {**report["run"], "name": hostile, "cpu": hostile, "versions": {hostile: hostile}}
    changed = {**report, "kernels": kernels, "run": facts, "notes": [hostile]}
    parsed = Parsed(
        document_of(changed, DrawnUnit(hostile, 9, (DrawnLane(hostile, (Slice(0, 9, hostile, hostile),), 0),)))
    )
    assert acting(parsed) == []
    assert parsed.text.count(harmless(hostile)) > 5


@given(st.text(), st.text())
def test_any_text_comes_back_as_it_was(words: str, told: str) -> None:
    parsed = Parsed(element("p", words, title=told))
    assert parsed.tags == {"p"}
    assert "".join(parsed.words) == harmless(words)
    assert parsed.attributes == [("title", html.unescape(html.escape(harmless(told))))]


def test_nothing_of_the_machine_is_in_it(traces: Path, run: StoredRun, report: Report) -> None:
    path = "/home/somebody/models/kws.tflite"
    checks = [{**one, "evidence": f"{path}: {one['evidence']}", "remedy": path} for one in report["trust"]["checks"]]
    lost = f"{run.folder}/gpu_work: cannot be read on host-of-secrets; H200, {GPU_NUMBER}"
    facts = {**report["run"], "note": f"made from {path}"}
    told = {**report, "trust": {**report["trust"], "checks": checks}, "run": facts}
    changed = {**told, "notes": [lost, path], "capture_problem": str(traces), "gpu": None}
    known = replace(run, info=replace(run.info, host="host-of-secrets"))
    document = run_html(known, changed)
    for secret in (
        str(traces),
        str(traces.parent),
        "host-of-secrets",
        "somebody",
        "GPU-8cfd",
        str(run.info.port),
        str(Path.home()),
    ):
        assert secret not in document, secret


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("cannot open /home/a/b c.sqlite", "cannot open b c.sqlite"),
        ("on /device:GPU:0, 3 inf/s", "on /device:GPU:0, 3 inf/s"),
        ("other machine: box (cpu) against box-2 (cpu)", "other machine: a host (cpu) against box-2 (cpu)"),
        ("two GPUs: H200 (" + GPU_NUMBER + ")", "two GPUs: H200"),
    ],
)
def test_a_sentence_loses_paths_and_hosts_alone(sentence: str, told: str) -> None:
    assert Private(hosts=("box",)).of(sentence) == told


def test_a_report_of_many_long_names_stays_small_and_says_what_it_cuts(report: Report) -> None:
    kernel = report["kernels"][0]
    many = [{**kernel, "name": f"{place:05d}" * 2000, "short_name": f"k{place}"} for place in range(5000)]
    slices = tuple(Slice(place, place + 1, "n" * 5000, "call: launch") for place in range(300))
    unit = DrawnUnit("unit", 300, tuple(DrawnLane(f"lane {place}", slices, 7) for place in range(6)))
    document = document_of({**report, "kernels": many}, unit)
    assert len(document.encode()) < MOST_BYTES
    parsed = Parsed(document)
    assert f"and {5000 - MOST_ROWS:,} more" in parsed.text
    assert "lane 5: 7 shorter ones are not drawn" in parsed.text


def test_the_timeline_holds_each_work_of_the_inference_that_it_draws(run: StoredRun, report: Report) -> None:
    drawing = run_html(run, report).partition('id="timeline"')[2].partition("</section>")[0]
    labels = re.findall(r"<title>(GPU \d, stream \d+)", drawing)
    assert labels
    assert drawing.count("cudnn::detail::implicit_convolve_sgemm") >= 1
    assert "nearest to the median" in drawing


def test_a_run_s_document_has_a_chip_a_check_and_its_facts_under_a_heading(report: Report) -> None:
    document = document_of(report)
    chips = document.partition('<ul class="chips" aria-label="Trust">')[2].partition("</ul>")[0]
    told = [f"{one['key']}: {one['state']}" for one in report["trust"]["checks"]]
    assert re.findall("<li[^>]*>([^<]+)</li>", chips) == told
    measured = document.partition('<section id="how-it-was-measured">')[2]
    headings = ["Facts", "Overhead of tracing, what was left out, and notes"]
    assert re.findall("<h3>([^<]+)</h3>", measured) == headings


def test_a_bar_has_its_parts_in_order_with_a_legend_and_leaves_out_what_took_no_time() -> None:
    parts = [Part("GPU busy", 9_600.0, 0.96), Part("framework", 400.0, 0.04), Part("copy", 0.0, 0.0)]
    busy, rest = "GPU busy 9.60 us (96.0 %)", "framework 400 ns (4.0 %)"
    teal, red = BY_MEANING["GPU busy"], BY_MEANING["framework"]
    assert stacked_bar("Times", parts, 10_000.0, "means") == (
        '<div class="barhead"><strong>Times</strong><span>10.00 us</span></div>'
        f'<div class="bar" role="img" aria-label="Times: {busy}, {rest}">'
        f'<span title="{busy}" style="flex-grow:9600.0;background:{teal}">GPU busy</span>'
        f'<span title="{rest}" class="thin" style="flex-grow:400.0;background:{red}">framework</span></div>'
        f'<ul class="legend"><li><i style="background:{teal}"></i>{busy}</li>'
        f'<li><i style="background:{red}"></i>{rest}</li></ul><p class="quiet">means</p>'
    )
    assert stacked_bar("Times", parts[2:], 0.0, "means") == ""


def test_a_timeline_has_five_times_that_stay_within_it_and_its_slices_on_their_lane() -> None:
    lanes = (DrawnLane("stages", (Slice(0, 400, "session_run", "session_run"),), 0),) * 2
    drawn = unit_timeline(DrawnUnit("one", 400, lanes))
    # 210 for the names, and a quarter of the other 980 a step; two lanes of 24, and 22 below them.
    captions = [
        (x, side, words)
        for x, side, words in re.findall(r'<text x="(\d+)" y="66" text-anchor="(\w+)" class="quiet">([^<]+)<', drawn)
    ]
    sides = ["start", "middle", "middle", "middle", "end"]
    assert captions == [(str(210 + 245 * step), side, f"{100 * step} ns") for step, side in enumerate(sides)]
    assert re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', drawn) == [
        ("210", "2", "980", "20"),
        ("210", "26", "980", "20"),
    ]
    assert 'style="min-width:1190px" width="1190" height="70"' in drawn
    # A letter takes 6.2 px and the edges 6: eleven letters stand in 74.5 px, and a part of them in 73.5.
    for ns, shown in ((745, "session_run"), (735, "session_r…")):
        slices = (Slice(0, ns, "session_run", "session_run"),)
        drawn = unit_timeline(DrawnUnit("one", 9_800, (DrawnLane("stages", slices, 0),)))
        assert re.findall('class="mark">([^<]+)<', drawn) == [shown]


def test_rates_are_dots_on_an_axis_that_leaves_room_on_both_sides() -> None:
    # From 88 to 212 inf/s: 12 % of what lies between the two rates on either side.
    drawn = rate_dots([100.0, 200.0], 150.0)
    assert re.findall(r'<i class="kp-(\w+)" style="left:([\d.]+)%', drawn) == [
        ("rule", "50"),
        ("dot", "9.677"),
        ("dot", "90.323"),
    ]
    assert re.findall('title="([^"]+)"', drawn) == ["window 1: 100.000 inf/s", "window 2: 200.000 inf/s"]
    assert 'aria-label="Rates of 2 windows: 100.0 to 200.0 inf/s"' in drawn


def test_a_histogram_has_both_axes_logarithmic_and_its_percentiles_as_lines() -> None:
    drawn = latency_bars(np.array([1_000] * 3 + [100_000]))
    # Sixty bars of 1190; one of log(2) is half as tall as one of log(4), of 130. The p99, 97,030 ns, is at 0.9935.
    assert drawn == (
        '<svg viewBox="0 0 1190 170" role="img" aria-label="Time of 4 inferences">'
        '<rect x="0" y="18" width="18.8" height="130" fill="#2e6fba"><title>3: 1.00 to 1.08 us</title></rect>'
        '<rect x="1170.2" y="83" width="18.8" height="65" fill="#2e6fba"><title>1: 92.61 to 100.00 us</title></rect>'
        '<line x1="0" x2="0" y1="2" y2="148" style="stroke:#d0253b;stroke-width:2"></line>'
        '<text x="4" y="12" text-anchor="start" class="quiet">median 1.00 us</text>'
        '<line x1="1182.2" x2="1182.2" y1="2" y2="148" style="stroke:#d0253b;stroke-width:2"></line>'
        '<text x="1178.2" y="12" text-anchor="end" class="quiet">p99 97.03 us</text>'
        '<text x="0" y="166" text-anchor="start" class="quiet">1.00 us</text>'
        '<text x="1190" y="166" text-anchor="end" class="quiet">100.00 us</text></svg>'
    )


def test_a_folder_within_another_goes_whole() -> None:
    assert Private(("/a b", "/a b/c d")).of("in /a b/c d/x and /a b") == "in x and the folder"


def test_the_document_of_a_profile_is_told_whole(tmp_path: Path) -> None:
    """Its figures are worked out in ``test_unit_breakdown``."""
    told = unit_document(threaded_report(tmp_path), None, Private(), "1").replace("><", ">\n<")
    golden = (Path(__file__).parent / "golden" / "breakdown.html").read_text(encoding="utf-8")
    assert re.sub("(?s)<style>.*</style>", "<style></style>", told) == golden


def test_the_commands_write_it(traces: Path, tmp_path: Path) -> None:
    from runner.cli import app

    file, cli = tmp_path / "report.html", CliRunner()
    words = ["report", "gpu", "--baseline", "slower", "--html", str(file), "--traces", str(traces)]
    said = cli.invoke(app, words)
    assert said.exit_code == 0, said.output
    assert "Comparison" in Parsed(file.read_text(encoding="utf-8")).text
    refused = cli.invoke(app, ["report", "gpu", "--baseline", "slower", "--traces", str(traces)])
    assert refused.exit_code != 0


def test_the_file_of_a_set_of_launches_says_what_its_text_says(tmp_path: Path) -> None:
    from runner.cli import app

    for number in (1, 2, 3):
        launch = {"id": "one", "number": number, "of": 4}
        windows = runs.windows_of(slower=1 + number / 10, seed=number)
        runs.gpu_run(tmp_path, f"mine-{number}", windows, launch_set=launch)
    file, cli = tmp_path / "set.html", CliRunner()
    text = cli.invoke(app, ["report", "mine", "--traces", str(tmp_path)], env={"COLUMNS": "1000"}).stdout
    made = cli.invoke(app, ["report", "mine", "--html", str(file), "--traces", str(tmp_path)])
    assert made.exit_code == 0, made.output
    parsed = Parsed(file.read_text(encoding="utf-8"))
    said = " ".join(parsed.text.split())
    told = [line.strip() for line in text.splitlines() if line.strip() and not re.search("[\u2500-\u257f]", line)]
    assert len(told) > 6
    assert not [line for line in told if line.removeprefix("mine: ") not in said]
    figures = build_launch_report(launch_set("mine", tmp_path))
    assert [row for row in parsed.rows if row[0].startswith("mine-")] == [list(row) for row in launch_rows(figures)]
    assert acting(parsed) == []
    assert str(tmp_path) not in file.read_text(encoding="utf-8")
    refused = cli.invoke(app, ["report", "mine", "--html", str(file), "--baseline", "x", "--traces", str(tmp_path)])
    assert isinstance(refused.exception, UsageError)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 768])
def test_a_browser_fetches_nothing_and_needs_no_sideways_scrolling(
    run: StoredRun, report: Report, tmp_path: Path, width: int
) -> None:
    file = tmp_path / "report.html"
    file.write_text(run_html(run, report), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 800})
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert asked == [file.as_uri()]
        assert said == []
