"""The dashboard shows the report's figures, and no run is an exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.overview_view import stage_bar, stage_frame, window_frame
from tests.recorded import info, window
from tracer.report import build_report
from tracer.report_text import rate_text
from tracer.run_store import open_run
from tracer.run_writer import RunWriter

SCRIPT = """
from pathlib import Path
from dashboard.pages.overview import show
show(Path({traces!r}))
"""


def record(traces: Path, name: str, windows: int) -> None:
    recorder = RunWriter.create(traces, name, info(name), lambda _: None)
    for number in range(windows):
        recorder.append(window(number, inferences=10, first=11 * number))
    recorder.close()


def test_tables_hold_the_figures_of_the_report(tmp_path: Path) -> None:
    recorder = RunWriter.create(tmp_path, "run", info(), lambda _: None)
    for number, inferences in enumerate((10, 10, 1)):
        recorder.append(window(number, inferences=inferences, first=11 * number))
    recorder.close()
    report = build_report(open_run("run", tmp_path))
    assert stage_frame(report)["stage"].tolist() == ["host_to_device", "session_run", "readback", "inference"]
    assert stage_bar(report).parts["us"].sum() == pytest.approx(43.0)
    assert window_frame(report)["inf/s (laps)"].tolist() == [pytest.approx(1e9 / 43_000)] * 2


@pytest.mark.parametrize("windows", [0, 1, 5])
def test_the_overview_shows_the_rate_of_the_report(tmp_path: Path, windows: int) -> None:
    testing = pytest.importorskip("streamlit.testing.v1")
    record(tmp_path, "run", windows)
    page = testing.AppTest.from_string(SCRIPT.format(traces=str(tmp_path)), default_timeout=60).run()
    assert not page.exception
    assert page.subheader[0].value == rate_text(build_report(open_run("run", tmp_path)))


def test_an_empty_folder_says_how_to_make_a_run_and_a_strange_name_opens_nothing(tmp_path: Path) -> None:
    testing = pytest.importorskip("streamlit.testing.v1")
    page = testing.AppTest.from_string(SCRIPT.format(traces=str(tmp_path)), default_timeout=60).run()
    assert "kws-trace demo" in page.info[0].value
    record(tmp_path, "run", 1)
    page = testing.AppTest.from_string(SCRIPT.format(traces=str(tmp_path)), default_timeout=60)
    page.query_params["run"] = "../../etc"
    page.run()
    assert not page.exception
    assert "not in the traces folder" in page.error[0].value
