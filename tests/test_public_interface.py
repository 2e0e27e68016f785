"""The public interface: what the docs show runs, tables are those of the run, and importing it costs nothing."""

from __future__ import annotations

import doctest
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

import tracer
from tests.dashboard_runs import gpu_run, plain_run
from tests.gpu_runs import captured_windows, gpu_export, usual_windows
from tracer.errors import NotInstalledError, ProfileError
from tracer.public import OpenProfile, OpenRun, ProfileBreakdown, open_profile, open_run

ROOT = Path(__file__).resolve().parent.parent


def test_the_example_of_the_docs_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = doctest.testfile(str(ROOT / "docs" / "python.md"), module_relative=False)
    assert (found.failed, found.attempted >= 8) == (0, True)


def test_only_what_all_names_is_there() -> None:
    assert set(tracer.__all__) == {
        "OpenProfile",
        "OpenRun",
        "ProfileBreakdown",
        "RunReport",
        "open_profile",
        "open_run",
    }
    assert all(callable(getattr(tracer, name)) for name in tracer.__all__)
    with pytest.raises(AttributeError, match="open_runs"):
        tracer.__getattr__("open_runs")
    assert (ROOT / "tracer" / "py.typed").is_file()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, tracer; print(sorted({'numpy', 'pandas', 'pyarrow', 'rich'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_a_run_s_tables_come_in_both_forms(tmp_path: Path) -> None:
    gpu_run(tmp_path, "gpu")
    run = tracer.open_run("gpu", tmp_path)
    for read in (run.spans, run.windows, run.results, run.samples, run.kernels):
        frame, table = read(), read(form="arrow")
        assert isinstance(frame, pd.DataFrame)
        assert isinstance(table, pa.Table)
        assert len(frame) == table.num_rows
        assert list(frame.columns) == table.column_names
    figures = run.report().figures
    assert run.kernels()["total_ns"].tolist() == [one["total_ns"] for one in figures["kernels"]]
    assert len(run.kernels()) > 0


def test_a_report_is_shown_by_a_notebook_and_its_json_is_its_figures(tmp_path: Path) -> None:
    plain_run(tmp_path, "plain")
    report = tracer.open_run("plain", tmp_path).report()
    assert json.loads(report.to_json()) == report.figures
    shown = report._repr_html_()
    assert shown.startswith("<pre>")
    assert "session_run" in shown
    assert max(map(len, report.text().splitlines())) <= 80


def test_a_profile_s_parts_sum_to_its_inferences(tmp_path: Path) -> None:
    one = captured_windows(usual_windows(1))[0]
    profile = tracer.open_profile(gpu_export(one).write(tmp_path / "x.sqlite"))
    found = profile.breakdown("inference")
    parts = found.units()
    assert found.figures["count"] == len(parts)
    assert json.loads(found.to_json()) == found.figures
    assert max(map(len, found.text().splitlines())) <= 80
    assert found._repr_html_().startswith("<pre>")
    assert len(parts) == one.warmups + one.inferences
    assert (parts.drop(columns=["unit", "thread", "start_ns", "wall_ns"]).sum(axis=1) == parts["wall_ns"]).all()
    assert len(profile.kernels()) == (profile.table("gpu_work")["kind"] == "kernel").sum() > 0
    assert "inference" in set(profile.ranges()["name"])
    with pytest.raises(KeyError, match="gpu_work"):
        profile.table("kernels")


def test_the_gains_of_a_profile_have_their_ends_in_columns(tmp_path: Path) -> None:
    one = captured_windows(usual_windows(1))[0]
    profile = open_profile(gpu_export(one).write(tmp_path / "x.sqlite"))
    assert isinstance(profile, OpenProfile)
    found = profile.breakdown("inference")
    assert isinstance(found, ProfileBreakdown)
    gains = found.gains("arrow")
    assert gains.column_names == ["name", "group", "gain_ns", "low_ns", "high_ns", "rate_hz", "bound", "reason"]
    expected = []
    for gain in found.figures["gains"]:
        low, high = gain["interval_ns"] or (None, None)
        facts = {name: gain[name] for name in ("name", "group", "gain_ns", "rate_hz", "bound", "reason")}
        expected.append({**facts, "low_ns": low, "high_ns": high})
    rows = gains.to_pylist()
    assert len(rows) > 3
    assert rows == expected
    assert any(row["low_ns"] is not None for row in rows)
    assert profile.gains(form="arrow").column_names == gains.column_names
    empty = replace(found, level=replace(found.level, gains=[]))
    assert empty.gains("arrow").num_rows == 0
    assert empty._repr_html_().endswith("</pre>")


def test_an_unprofiled_run_beside_it_is_in_the_report_of_a_run(tmp_path: Path) -> None:
    gpu_run(tmp_path, "gpu")
    plain_run(tmp_path, "plain")
    run, beside = open_run("gpu", tmp_path), open_run("plain", tmp_path)
    assert isinstance(run, OpenRun)
    assert (run.name, beside.name) == ("gpu", "plain")
    told = run.report(beside)
    gpus = (run.report().figures["gpu"], told.figures["gpu"])
    assert [one["unprofiled"]["run"] for one in gpus if one and one["unprofiled"]] == ["gpu", "plain"]
    assert told._repr_html_().endswith("</pre>")
    assert told.text() == told.text(80) != told.text(81)


def test_without_pandas_arrow_is_given_and_the_other_form_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_run(tmp_path, "plain")
    run = open_run("plain", tmp_path)
    monkeypatch.setattr("tracer.public.find_spec", lambda _: None)
    assert isinstance(run.windows("arrow"), pa.Table)
    with pytest.raises(NotInstalledError) as told:
        run.windows()
    assert str(told.value) == (
        """pandas (or ask for form="arrow") is not installed; install it with: pip install 'kws-trace[dashboard]'"""
    )


def test_units_of_several_processes_begin_where_their_ranges_do(shared_data: Path) -> None:
    profile = tracer.open_profile(shared_data / "nsys" / "h100_2gpu_1s.sqlite")
    units, ranges = profile.breakdown("aten::linear*").units(), profile.ranges()
    assert units["thread"].nunique() > 1
    assert set(units["start_ns"]) <= set(ranges[ranges["name"].str.startswith("aten::linear")]["start_ns"])


def test_a_profile_without_a_timeline_has_kernels_and_says_why_it_has_no_ranges(tmp_path: Path) -> None:
    path = tmp_path / "summary.txt"
    path.write_text(
        "==1== NVPROF is profiling process 1, command: python\n==1== Profiling result:\n"
        "            Type  Time(%)      Time     Calls       Avg       Min       Max  Name\n"
        " GPU activities:  100.00%  10.000us        10  1.0000us  1.0000us  1.0000us  sgemm\n",
        encoding="utf-8",
    )
    profile = tracer.open_profile(path)
    kernels = [{"name": "sgemm", "count": 10, "total_ns": 10_000, "share": 1.0}]
    assert profile.kernels("arrow").to_pylist() == kernels
    with pytest.raises(ProfileError, match="totals and no timeline"):
        profile.ranges()
