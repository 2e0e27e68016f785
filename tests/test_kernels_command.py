"""``kws-trace kernels`` as a user calls it, on exports whose answer is known."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from runner.cli import app
from tests.fake_nsys import Fake
from tests.nsys_export import NsysExport
from tests.profiles import call, copy, kernel, profile
from tracer.errors import KwsTraceError, ProfileError
from tracer.kernels.kernel_listing import list_kernels
from tracer.profiles.profile import ProfileSummary, SummaryRow

HOSTILE = "void evil::[bold red]kernel<int>\x1b[2J"


def kws_trace(*words: str, width: int = 80) -> Any:
    return CliRunner().invoke(app, ["kernels", *words], env={"COLUMNS": str(width), "TERM": "dumb"})


@pytest.fixture
def capture(tmp_path: Path) -> str:
    """Two inferences launched from an executor; one kernel outside, a copy, and a name that would paint."""
    export = NsysExport()
    own = {"process": 100, "thread": 100}
    for number in range(2):
        start = 1_000_000 * (number + 1)
        export.ranges([start], [start + 100_000], "inference", payload=[number], **own)
        export.ranges([start + 10], [start + 90_000], "session_run", payload=[number], **own)
    at = [1_000_100, 1_000_200, 2_000_100, 5_000_000, 1_000_300]
    ids = [1, 2, 3, 4, 5]
    export.calls([*at], [t + 50 for t in at], "cudaLaunchKernel_v7000", process=100, thread=101, correlation_id=ids)
    names = ["gemm", "gemm", "gemm", HOSTILE]
    starts, ends = ([t + delay for t in at[:4]] for delay in (1000, 4000))
    export.kernels(starts, ends, names, process=100, correlation_id=ids[:4])
    export.memcpys([1_010_000], [1_010_500], 1, [490], process=100, correlation_id=[5])
    return str(export.write(tmp_path / "capture.sqlite"))


def test_json_has_a_kernel_an_object_the_longest_first(capture: str) -> None:
    said = kws_trace(capture, "--format", "json")
    assert said.exit_code == 0, said.output
    rows = json.loads(said.stdout)
    assert [(row["name"], row["kind"], row["count"], row["total_ns"], row["mean_ns"]) for row in rows] == [
        ("gemm", "kernel", 3, 9000, 3000.0),
        (HOSTILE, "kernel", 1, 3000, 3000.0),
    ]


def test_by_range_every_kernel_lands_in_its_stage_and_the_rest_has_no_range(capture: str) -> None:
    rows = json.loads(kws_trace(capture, "--by", "range", "--format", "json").stdout)
    assert [(row["range"], row["name"], row["count"], row["total_ns"], row["innermost_count"]) for row in rows] == [
        ("inference", "gemm", 3, 9000, 0),
        ("session_run", "gemm", 3, 9000, 3),
        (None, HOSTILE, 1, 3000, 1),
    ]
    assert {row["domain"] for row in rows} == {"kws-trace", None}


def test_thread_wise_gives_nsights_answer_which_loses_the_executor(capture: str) -> None:
    rows = json.loads(kws_trace(capture, "--by", "range", "--thread-wise", "--format", "json").stdout)
    assert {row["range"] for row in rows} == {None}


def test_copies_are_asked_for_in_json_and_stand_below_the_table(capture: str) -> None:
    rows = json.loads(kws_trace(capture, "--copies", "--format", "json").stdout)
    assert [(row["kind"], row["bytes"]) for row in rows] == [("kernel", None), ("kernel", None), ("memcpy", 490)]
    assert "[CUDA memcpy Host-to-Device]" in kws_trace(capture).stdout


def test_csv_has_the_same_rows_as_json(capture: str) -> None:
    for by in ("kernel", "range", "api"):
        text = kws_trace(capture, "--by", by, "--format", "csv").stdout
        rows = json.loads(kws_trace(capture, "--by", by, "--format", "json").stdout)
        read = list(csv.DictReader(io.StringIO(text, newline="")))
        assert read == [{key: _cell(value) for key, value in row.items()} for row in rows]


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("\x1b", "\ufffd")


def test_by_api_a_call_has_what_it_launched(capture: str) -> None:
    (row,) = json.loads(kws_trace(capture, "--by", "api", "--format", "json").stdout)
    assert (row["name"], row["count"], row["total_ns"], row["launched"]) == ("cudaLaunchKernel", 5, 250, 5)


@pytest.mark.parametrize("by", ["kernel", "range", "api"])
@pytest.mark.parametrize("full", [True, False])
def test_a_table_fits_80_columns_and_no_name_paints_it(capture: str, by: str, full: bool) -> None:
    said = kws_trace(capture, "--by", by, *(["--full-names"] if full else []))
    assert said.exit_code == 0, said.output
    assert max(len(line.rstrip()) for line in said.stdout.splitlines()) <= 80
    assert "\x1b" not in said.stdout
    if full and by != "api":
        assert "[boldred]" in "".join(said.stdout.split())


def test_a_capture_without_cuda_or_nvtx_says_which_flag_records_it(tmp_path: Path) -> None:
    export = NsysExport(capture=("NvtxEvents",))
    export.ranges([0], [10], "inference", process=1, thread=1)
    bare = str(export.write(tmp_path / "no_cuda.sqlite"))
    for by in ("kernel", "range", "api"):
        error = kws_trace(bare, "--by", by).exception
        assert isinstance(error, KwsTraceError)
        assert "--trace=cuda,nvtx" in str(error)


def test_nothing_that_ran_is_said_and_is_no_error() -> None:
    listing = list_kernels(profile(calls=[call("cudaFree", 0, 1, None)]))
    assert listing.json() == "[]\n"
    assert listing.notes == ("no launch, copy or memset was called while the capture lasted",)
    assert list_kernels(profile(), "range").notes == ("no NVTX range was pushed while the capture lasted",)


def test_a_profile_of_a_cpu_gives_its_operations() -> None:
    op = {"process": 1, "thread": 1, "kind": "op", "name": "Conv2D", "start_ns": 0, "end_ns": 5}
    whole = profile(ops=[op, {**op, "kind": "os", "name": "poll"}])
    traced = type(whole)(**{name: getattr(whole, name) for name in whole.__slots__} | {"traced": frozenset({"ops"})})
    listing = list_kernels(traced)
    assert [(row["name"], row["kind"]) for row in listing.rows.to_pylist()] == [("Conv2D", "op")]
    out = io.StringIO()
    listing.render(Console(file=out, width=80), full_names=False)
    assert out.getvalue().splitlines()[0].strip() == "Operations on the CPU"
    with pytest.raises(ProfileError, match="no CUDA work"):
        list_kernels(traced, "range")


def test_a_profile_that_traced_the_gpu_and_saw_no_work_lists_no_operations_of_the_cpu() -> None:
    op = {"process": 1, "thread": 1, "kind": "op", "name": "Conv2D", "start_ns": 0, "end_ns": 5}
    listing = list_kernels(replace(profile(ops=[op]), traced=frozenset({"cuda", "ops"})))
    assert (len(listing.rows), listing.ops) == (0, False)
    assert "no kernel, copy or memset and no CUDA call recorded" in listing.notes[0]


@pytest.mark.parametrize(
    ("by", "traced", "what"),
    [
        ("kernel", {"nvtx"}, "CUDA work"),
        ("range", {"cuda"}, "NVTX ranges"),
        ("api", {"nvtx"}, "CUDA calls"),
    ],
)
def test_what_was_not_traced_is_named_with_the_flag_that_records_it(by: Any, traced: set[str], what: str) -> None:
    work = [kernel("gemm", 0, 5, 1)] if by != "kernel" else []
    bare = replace(profile(work), traced=frozenset(traced))
    with pytest.raises(ProfileError) as raised:
        list_kernels(bare, by)
    assert str(raised.value) == (
        f"made-up.sqlite: it traced no {what}; capture with `nsys profile --trace=cuda,nvtx`"
    )


def test_copies_stand_among_the_rows_or_below_them_and_never_twice() -> None:
    works = [kernel("gemm", 0, 5, 1), copy("Host-to-Device", 6, 8, 2)]
    listings = [list_kernels(profile(one), copies=flag) for one in (works, works[:1]) for flag in (False, True)]
    assert [(len(one.rows), None if one.copies is None else one.copies["name"].to_pylist()) for one in listings] == [
        (1, ["[CUDA memcpy Host-to-Device]"]),
        (2, None),
        (1, None),
        (1, None),
    ]


def test_a_summary_has_kernels_and_calls_and_no_ranges() -> None:
    rows = (SummaryRow("kernel", "gemm", 4, 20, 1.0), SummaryRow("api", "cudaFree", 1, 7, None))
    summary = ProfileSummary(Path("x.txt"), "nvprof", rows)
    assert json.loads(list_kernels(summary).json())[0]["name"] == "gemm"
    assert json.loads(list_kernels(summary, "api").json())[0]["name"] == "cudaFree"
    with pytest.raises(ProfileError, match="cannot give kernels by range"):
        list_kernels(summary, "range")
    with pytest.raises(ProfileError, match="cannot give CUDA calls, of which it lists none; "):
        list_kernels(ProfileSummary(Path("x.txt"), "nvprof", rows[:1]), "api")


def test_a_real_capture_is_listed_whole(shared_data: Path) -> None:
    said = kws_trace(str(shared_data / "nsys/h100_2gpu_1s.sqlite"), "--by", "range", "--format", "json")
    rows = json.loads(said.stdout)
    assert sum(row["innermost_count"] for row in rows) == 3442
    assert "1,810 pieces of GPU work" in said.stderr


@pytest.mark.parametrize("name", ["a.nsys-rep", "a.qdrep"])
def test_a_report_of_nsys_is_exported_by_the_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    Fake(tmp_path, monkeypatch)
    export = NsysExport()
    export.calls(0, 5, "cudaLaunchKernel_v7000", process=1, thread=1, correlation_id=1)
    folder = tmp_path / "reports"
    folder.mkdir()
    report = export.write(folder / name)
    said = kws_trace(str(report), "--by", "api", "--format", "json")
    assert [row["name"] for row in json.loads(said.stdout)] == ["cudaLaunchKernel"]
    assert list(folder.iterdir()) == [report]


def test_shares_of_a_summary_are_of_all_gpu_work() -> None:
    rows = (SummaryRow("kernel", "gemm", 4, 80, 0.8), SummaryRow("memcpy", "[CUDA memcpy HtoD]", 1, 20, 0.2))
    said = io.StringIO()
    listing = list_kernels(ProfileSummary(Path("x.txt"), "nvprof", rows))
    listing.render(Console(file=said, width=80), full_names=False)
    assert "Copies and sets (share of all GPU work)" in said.getvalue()


@pytest.mark.parametrize(
    ("on_a_terminal", "whole", "shown", "below"),
    [(True, False, 40, True), (True, True, 55, False), (False, False, 55, False)],
)
def test_a_long_table_shows_its_first_rows_on_a_terminal_and_all_of_them_elsewhere(
    on_a_terminal: bool, whole: bool, shown: int, below: bool
) -> None:
    work = [kernel(f"k{number:02}", 100 * number, 200 * number + 1, number + 1) for number in range(55)]
    said = io.StringIO()
    console = Console(file=said, width=80, force_terminal=on_a_terminal, color_system=None)
    list_kernels(profile(work, [])).render(console, full_names=False, whole=whole)
    names = [line.split()[-1] for line in said.getvalue().splitlines() if line.rstrip()[-3:].startswith("k")]
    assert names == [f"k{54 - number:02}" for number in range(shown)]
    assert ("and 15 more (`--all`)" in said.getvalue()) == below
