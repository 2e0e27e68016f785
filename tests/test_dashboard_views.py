"""The tables and charts of the pages, without Streamlit."""

from __future__ import annotations

import json
import os
import shutil
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.compare_charts import ratios, series, waterfall
from dashboard.compare_view import NOT_TOLD, WHOLE, same_profiler, waterfall_rows
from dashboard.compare_view import kernel_frame as kernels_beside
from dashboard.compare_view import stage_frame as stages_beside
from dashboard.markdown_text import plain
from dashboard.overview_charts import confusion_chart, icicle_drawing
from dashboard.overview_view import (
    session_frame,
    stage_frame,
    trust_chips,
    window_frame,
    windows_text,
)
from dashboard.run_reading import read_report, run_entries
from dashboard.runs_view import choices, filtered, launch_set_frame, run_list_frame
from tests import dashboard_runs as runs
from tracer.figure_text import change_text, share_text, time_text
from tracer.palette import BY_MEANING, colours
from tracer.reports.advised_gains import gain_rows
from tracer.reports.breakdown_rows import PART_TEXTS, part_text
from tracer.reports.compare import moved_stages
from tracer.reports.kernel_labels import distinct_labels
from tracer.reports.overview_rows import icicle
from tracer.reports.report import build_report
from tracer.reports.run_list import list_runs
from tracer.runs.run_cache import fingerprint
from tracer.runs.run_store import StoredRun, stored_run
from tracer.runs.timed_inferences import timed_inferences


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    runs.every_kind(folder)
    return folder


def report_of(traces: Path, kind: str) -> dict[str, Any]:
    return read_report(stored_run(kind, traces)).report


@pytest.mark.parametrize("kind", ["plain", "gpu", "cpu", "ops", "recovered"])
def test_every_level_of_the_icicle_is_as_long_as_the_inference_that_it_is_of(traces: Path, kind: str) -> None:
    report = report_of(traces, kind)
    whole, gpu = report["inference"], report["gpu"]
    mean = whole["total_ns"] / whole["count"]
    lengths: dict[str, float] = {}
    for part in icicle(report):
        assert part["from_ns"] == pytest.approx(lengths.get(part["level"], 0.0))
        lengths[part["level"]] = part["to_ns"]
    assert lengths["stage"] == pytest.approx(mean)
    if gpu is None:
        assert lengths == {"wall time": pytest.approx(mean), "stage": pytest.approx(mean)}
        return
    profiled = gpu["wall_ns"]["mean"]
    assert lengths["kind"] == pytest.approx(profiled)
    assert lengths["wall time"] == pytest.approx(max(profiled, gpu["unprofiled"]["wall_ns"]))
    if kind == "gpu":
        assert lengths["GPU, overhead"] == pytest.approx(gpu["unprofiled"]["wall_ns"])
        assert lengths["kernel"] <= gpu["kernel_ns"]["mean"] * (1 + 1e-9)
        alone = {**report, "gpu": {**gpu, "unprofiled": None}}
        assert {one["of"] for one in icicle(alone) if one["level"] == "wall time"} == {"a profiled inference"}


def test_kernels_of_one_last_segment_have_names_that_differ() -> None:
    elementwise = "void at::native::vectorized_elementwise_kernel<4, at::native::{}<float>, Array<char*, 2>>(int)"
    names = [
        *map(elementwise.format, ("AddFunctor", "MulFunctor", "FillFunctor")),
        elementwise.format("AddFunctor") + " ",
    ]
    labels = distinct_labels(
        [*names, "StatefulPartitionedCall/functional_1/Conv2D", "internal::gemvx::kernel<int>(T1)"]
    )
    assert len(set(labels.values())) == len(labels)
    assert labels[names[1]] == "vectorized_elementwise_kernel (MulFunctor)"
    assert labels["StatefulPartitionedCall/functional_1/Conv2D"] == "Conv2D"
    assert labels["internal::gemvx::kernel<int>(T1)"] == "gemvx::kernel"


def test_what_a_run_that_is_being_recorded_lacks_is_not_bad_yet(tmp_path: Path) -> None:
    writer = runs.recording_run(tmp_path, "now")
    report = report_of(tmp_path, "now")
    writer.close()
    assert windows_text(report).startswith("window 3 of 5 is being recorded; the last took ")
    found = {one.name: one for one in trust_chips(report)}
    assert (found["windows"].state, found["windows"].evidence[:8]) == ("unknown", "not yet:")
    ended = {one.name: one for one in trust_chips({**report, "run": {**report["run"], "state": "complete"}})}
    assert ended["windows"].state == "doubtful"


@pytest.mark.parametrize("profiled", [False, True])
def test_the_waterfall_leads_from_one_mean_to_the_other(traces: Path, profiled: bool) -> None:
    before, after = report_of(traces, "cpu"), report_of(traces, "gpu")
    assert same_profiler(before, after)
    assert not same_profiler(report_of(traces, "ops"), after)
    steps = waterfall_rows(before, after, profiled=profiled)
    for start, end in pairwise(steps[:-1]):
        assert start["to"] == end["from"]
    assert steps[-2]["to"] == pytest.approx(steps[-1]["to"], rel=1e-12)
    whole = (
        after["gpu"]["wall_ns"]["mean"] if profiled else after["inference"]["total_ns"] / after["inference"]["count"]
    )
    assert steps[-1]["to"] * 1000 == pytest.approx(whole)


def test_a_step_of_the_waterfall_has_a_colour_only_where_its_difference_is_established(tmp_path: Path) -> None:
    for name, slower in (("one", 1.0), ("same", 1.0), ("slow", 1.3)):
        runs.gpu_run(tmp_path, name, runs.windows_of(slower=slower, seed=len(name)))
    one, same, slow = (stored_run(name, tmp_path) for name in ("one", "same", "slow"))
    reports = {run.name: report_of(tmp_path, run.name) for run in (one, same, slow)}

    def kinds(before: StoredRun, after: StoredRun, moved: dict[str, Any]) -> set[str]:
        rows = waterfall_rows(reports[before.name], reports[after.name], profiled=False, moved=moved)
        return {row["kind"] for row in rows} - {WHOLE}

    assert kinds(one, slow, {}) == {NOT_TOLD}
    grown = moved_stages(timed_inferences(one), timed_inferences(slow))
    assert grown == dict.fromkeys([*runs.STAGES, "inference"], "slower")
    assert kinds(one, slow, grown) == {"slower"}
    assert kinds(slow, one, moved_stages(timed_inferences(slow), timed_inferences(one))) == {"faster"}
    assert NOT_TOLD in kinds(one, same, moved_stages(timed_inferences(one), timed_inferences(same)))


def test_stages_and_kernels_stand_side_by_side(traces: Path) -> None:
    before, after = report_of(traces, "plain"), report_of(traces, "gpu")
    frame = stages_beside([before, after]).set_index("stage")
    assert frame["gpu, median"]["session_run"] == time_text(after["stages"][1]["median_ns"])
    ratio = after["inference"]["median_ns"] / before["inference"]["median_ns"]
    assert frame["gpu, change"]["inference"] == change_text(ratio)
    assert not len(kernels_beside([before, after]))
    less = {**after, "kernels": after["kernels"][1:], "run": {**after["run"], "name": "less"}}
    kernels = kernels_beside([after, less])
    assert kernels["gpu, us"].tolist() == pytest.approx([one["ns_per_inference"] / 1e3 for one in after["kernels"]])
    assert kernels["less, difference"].tolist() == [-kernels["gpu, us"][0], *[0.0] * (len(kernels) - 1)]


def test_launches_of_a_set_are_judged_together(traces: Path) -> None:
    row = next(one for one in list_runs(traces).rows if one["name"] == "plain")
    several = [
        {**row, "name": str(number), "launch_set": {"id": "x", "name": "set", "number": number, "of": 3}}
        for number in (1, 2, 3)
    ]
    frame = launch_set_frame([*several, row])
    assert frame["launches"].tolist() == ["3 of 3"]
    assert frame["trust"][0].startswith(row["trust"]["worst"])


def test_the_three_largest_things_to_remove_are_kinds_of_the_run_and_not_the_tracers(traces: Path) -> None:
    report = report_of(traces, "gpu")
    rows = gain_rows(report)
    told = [one["name"] for one in report["gains"] if one["bound"]]
    assert rows
    assert not {row["name"] for row in rows} & {"no copies", "the tracer's own ranges", *map(part_text, told)}


def test_a_gain_is_advised_with_its_interval_and_the_rate_then_if_there_is_one(traces: Path) -> None:
    report = report_of(traces, "gpu")
    gain = {"bound": None, "reason": "", "rate_interval_hz": [None, None]}
    change = {
        **gain,
        "name": "one graph",
        "group": "change",
        "gain_ns": 9e4,
        "interval_ns": [8e4, 1e5],
        "rate_hz": 2e3,
    }
    kind = {**gain, "name": "launch", "group": "kind", "gain_ns": 5e4, "interval_ns": [4e4, 6e4], "rate_hz": None}
    told = {**report, "gains": [change, kind]}
    assert gain_rows(told) == [
        {
            "name": "one CUDA graph",
            "title": "one CUDA graph",
            "gain": "90.00 us",
            "interval": "80.00 to 100.00 us",
            "rate": "2,000.0 inf/s",
        },
        {
            "name": "CUDA launch",
            "title": "without CUDA launch",
            "gain": "50.00 us",
            "interval": "40.00 to 60.00 us",
            "rate": "-",
        },
    ]


def test_a_gain_that_may_be_none_is_advised_only_where_no_other_is(traces: Path) -> None:
    report = report_of(traces, "gpu")
    first, second, *rest = [one["name"] for one in gain_rows(report)]
    gains = [{**one, "interval_ns": [1.0, 2.0 * (one["gain_ns"] or 0)]} for one in report["gains"]]
    largest = next(one for one in gains if one["group"] in ("change", "kind") and not one["bound"])
    largest["interval_ns"] = [0.0, 1e9]
    assert [one["name"] for one in gain_rows({**report, "gains": gains})][:1] == [second]
    none = [{**one, "interval_ns": [0.0, 1e9]} for one in report["gains"]]
    assert [one["name"] for one in gain_rows({**report, "gains": none})] == [first, second, *rest]


def test_tables_hold_the_figures_of_the_report(traces: Path) -> None:
    report = report_of(traces, "gpu")
    assert stage_frame(report)["stage"].tolist() == [*runs.STAGES, "inference"]
    assert window_frame(report)["inf/s (laps)"].tolist() == [
        one["rate_hz"] for one in report["windows"] if one["kind"] == "performance"
    ]
    assert window_frame(report)["rule-valid"].tolist() == ["no: under 10 s"] * 5


def test_a_rule_valid_run_is_called_so(tmp_path: Path) -> None:
    runs.plain_run(tmp_path, "run", runs.windows_of(captured=0, long=True))
    assert window_frame(build_report(stored_run("run", tmp_path)))["rule-valid"].tolist() == ["yes"] * 5


def test_damage_is_told_and_what_is_left_is_reported(traces: Path) -> None:
    read = read_report(stored_run("damaged-capture", traces))
    assert "gpu_work" in read.problems[0]
    assert read.report["gpu"] is None
    assert read.report["inference"]["count"] == 200
    assert "spans/part" in report_of(traces, "damaged-spans")["left_out"]["dropped"][0]
    entries = {entry.name: entry.problem for entry in run_entries(traces)}
    assert "run.json" in entries.pop("damaged")
    assert not any(entries.values())


@pytest.mark.parametrize("kind", ["gpu", "ops", "plain", "damaged-capture"])
def test_what_was_derived_is_read_again_and_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    run = stored_run(runs.KINDS[kind](tmp_path, kind))
    read_report(run)
    assert not (tmp_path / "cache" / "kws-trace" / "summaries").exists()  # its files changed just now
    for path in run.folder.rglob("*"):
        os.utime(path, ns=(10**18, 10**18))
    first = read_report(run)
    monkeypatch.setattr("dashboard.run_reading.report_and_level", lambda _: pytest.fail("derived again"))
    again = read_report(run)
    assert again.report == json.loads(json.dumps(first.report))
    assert again.problems == first.problems
    assert (again.detail is None) == (first.detail is None)
    for name, frame in vars(first.detail).items() if first.detail else ():
        pd.testing.assert_frame_equal(getattr(again.detail, name), frame, check_dtype=False, check_index_type=False)
    for kept in (tmp_path / "cache" / "kws-trace" / "summaries").iterdir():
        kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(pytest.fail.Exception, match="derived again"):
        read_report(run)


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    folder = runs.plain_run(tmp_path, "run")
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    (folder / "new").write_text("x", encoding="utf-8")
    assert fingerprint(folder) != before


def test_a_session_in_the_run_gives_top_1_and_one_that_is_none_is_told(tmp_path: Path, shared_data: Path) -> None:
    folder = runs.plain_run(tmp_path, "run")
    (folder / "session-2").mkdir()
    (folder / "session-2" / "log.txt").write_text("nonsense\n", encoding="utf-8")
    real = next(
        one.parent
        for one in sorted((shared_data / "energyrunner-sessions").rglob("results.txt"))
        if "Top-1" in one.read_text(encoding="utf-8")
    )
    shutil.copytree(real, folder / "session")
    report = read_report(stored_run("run", tmp_path)).report
    frame = session_frame(report["sessions"])
    assert frame["session"].tolist() == ["session", "session-2"]
    assert (frame["Top-1"][0], frame["inputs"][0], frame["Top-1"][1]) == ("8.6 %", "1,000", "-")
    assert "log.txt" in frame["why"][1]


def test_charts_have_few_marks(traces: Path) -> None:
    report = report_of(traces, "gpu")
    charts = [
        icicle_drawing(icicle(report)),
        confusion_chart([[1] * 12] * 12),
        waterfall(waterfall_rows(report, report, profiled=True), "profiled inference"),
        series([{"run": "b", "created": "2026-01-01T00:00:00", "rate_hz": 1.0}]),
        ratios([{"run": "b", "ratio": 1.1, "low": 1.0, "high": 1.2, "verdict": "slower"}], 0.02),
    ]
    for chart in charts:
        assert len(json.dumps(chart)) < 100_000


def test_each_part_of_the_icicle_says_its_time_and_leads_to_its_page(traces: Path) -> None:
    parts = icicle(report_of(traces, "gpu"))
    drawn = icicle_drawing(parts, link=lambda page: None if page == "overview" else f"/{page}?run=gpu")
    for part in parts:
        told = escape(f"{part['name']}: {time_text(part['to_ns'] - part['from_ns'])}, {share_text(part['share'])}")
        assert told in drawn
    for page in {part["page"] for part in parts} - {"overview"}:
        assert drawn.count(f'href="/{page}?run=gpu"') == sum(part["page"] == page for part in parts)
    assert "href" not in icicle_drawing(parts)
    assert len(set(colours([*runs.STAGES, "GPU kernel", "GPU copy", "framework", "host code in readback"]))) >= 6


def test_every_part_of_an_inference_has_a_colour_of_its_own() -> None:
    assert set(PART_TEXTS.values()) <= BY_MEANING.keys()
    parts = [*PART_TEXTS.values(), "host code in host_to_device", "host code in readback"]
    assert len(set(colours(parts))) == len(parts)


def test_runs_are_filtered_by_words_and_by_what_they_are(traces: Path) -> None:
    rows = list_runs(traces).rows
    assert {row["name"] for row in filtered(rows, "DAMAGED fake")} == {"damaged-capture", "damaged-spans"}
    assert [row["name"] for row in filtered(rows, state=["recovered"])] == ["recovered"]
    assert filtered(rows, backend=["litert"]) == []
    assert choices(rows, "state") == ["complete", "recovered"]
    assert list(run_list_frame(filtered(rows))["run"]) == [
        row["name"] for row in sorted(rows, key=lambda row: row["created"], reverse=True)
    ]
    assert len(run_list_frame([])) == 0


@settings(deadline=None)
@given(st.text())
def test_untrusted_text_keeps_no_markup(text: str) -> None:
    shown = plain(text)
    assert "".join(shown.replace("\\", "").split()) == "".join(text.replace("\\", "").split())
    for mark in "*_`[]<>$:#!|~":
        assert shown.count(mark) == shown.count(f"\\{mark}")
